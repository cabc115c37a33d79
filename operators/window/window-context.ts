import type { Key } from '../../runtime/key.ts'
import type { KeyedContext, OperatorContext } from '../../runtime/operator.ts'
import { CallbackContext } from '../callback-context.ts'
import type { CallbackScope } from '../collector.ts'
import { contextLacks } from '../context-lacks.ts'
import type { DeclaredState, StateDeclarations } from '../process-context.ts'
import { GLOBAL_WINDOW, type Window } from './time-window.ts'
import type { WindowProcessContext } from './window-function.ts'

/** Handles of declared states. */
type Declared = DeclaredState<StateDeclarations>

/** The one context object of a window operator. */
export class OperatorWindowContext
  extends CallbackContext
  implements WindowProcessContext<StateDeclarations, StateDeclarations, Key, Window>
{
  readonly #keyed: KeyedContext
  readonly #scope: CallbackScope
  readonly #windowState: Declared
  readonly #globalState: Declared
  #window: Window = GLOBAL_WINDOW

  constructor(options: {
    readonly context: OperatorContext
    readonly keyed: KeyedContext
    readonly scope: CallbackScope
    readonly windowState: Declared
    readonly globalState: Declared
  }) {
    const { context } = options
    super(context, options.scope)
    this.#keyed = options.keyed
    this.#scope = options.scope
    this.#windowState = options.windowState
    this.#globalState = options.globalState
  }

  /** The window that is worked on now. */
  setWindow(window: Window): void {
    this.#window = window
  }

  get key(): Key {
    this.#scope.check('the key')
    return this.#keyed.currentKey
  }

  get window(): Window {
    this.#scope.check('the window')
    return this.#window
  }

  get currentWatermark(): number {
    this.#scope.check('the watermark')
    return this.#keyed.timers.currentWatermark
  }

  get currentProcessingTime(): number {
    this.#scope.check('the processing time')
    return this.#keyed.timers.currentProcessingTime
  }

  get windowState(): Declared {
    this.#scope.check('the state of the window')
    return this.#windowState
  }

  get globalState(): Declared {
    this.#scope.check('the state of the key')
    return this.#globalState
  }

  // What these functions do not have, for those without types.

  get state(): never {
    throw contextLacks(
      'state',
      'the states of a window are in ctx.windowState, those of its key in ctx.globalState, as declared in windowProcessFunction({ … })',
    )
  }

  get timers(): never {
    throw contextLacks(
      'timers',
      'when a window fires is decided by its trigger; one of your own has timers',
    )
  }
}
