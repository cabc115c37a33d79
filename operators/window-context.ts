import type { Key } from '../runtime/key.ts'
import type { KeyedContext, OperatorContext, OutputTag } from '../runtime/operator.ts'
import type { CallbackScope } from './collector.ts'
import { type FunctionContext, functionContext } from './function.ts'
import type { TimeWindow } from './windows.ts'

/**
 * What a window function sees of the window that closes.
 *
 * One object an operator, so it must not be kept: but for `count` and `log` everything on it throws
 * `MR_STATE_OUTSIDE_CALLBACK` once the function has returned (R15).
 */
export interface WindowContext<K extends Key = Key> extends FunctionContext {
  readonly key: K
  readonly window: TimeWindow
  readonly currentWatermark: number
  /** Emits to a side output, with the last timestamp of the window. */
  output<T>(tag: OutputTag<T>, value: NoInfer<T>): void
}

/** The one context object of a window operator. */
export class OperatorWindowContext implements WindowContext {
  readonly uid: string
  readonly subtaskIndex: number
  readonly parallelism: number
  readonly attempt: number
  readonly count: FunctionContext['count']
  readonly log: FunctionContext['log']
  readonly #context: OperatorContext
  readonly #keyed: KeyedContext
  readonly #scope: CallbackScope
  #window: TimeWindow = { start: NaN, end: NaN, maxTimestamp: NaN }

  constructor(context: OperatorContext, keyed: KeyedContext, scope: CallbackScope) {
    const { uid, subtaskIndex, parallelism, attempt, count, log } = functionContext(context)
    this.uid = uid
    this.subtaskIndex = subtaskIndex
    this.parallelism = parallelism
    this.attempt = attempt
    this.count = count
    this.log = log
    this.#context = context
    this.#keyed = keyed
    this.#scope = scope
  }

  /** The window that closes now. */
  setWindow(window: TimeWindow): void {
    this.#window = window
  }

  get key(): Key {
    this.#scope.check('the key')
    return this.#keyed.currentKey
  }

  get window(): TimeWindow {
    this.#scope.check('the window')
    return this.#window
  }

  get currentWatermark(): number {
    this.#scope.check('the watermark')
    return this.#keyed.timers.currentWatermark
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.#scope.emit(this.#context.sideOutput(tag), value, 'a side output')
  }
}
