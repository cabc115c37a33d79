import { invariant, StreamError } from '../runtime/errors.ts'
import type { Key } from '../runtime/key.ts'
import type { KeyedContext, OperatorContext, OutputTag, TimerService } from '../runtime/operator.ts'
import type { OperatorStateDescriptor } from '../runtime/state/operator-state.ts'
import type { StateDescriptor, StateHandle } from '../runtime/state/state.ts'
import { CallbackContext } from './callback-context.ts'
import type { CallbackScope } from './collector.ts'
import type { FunctionContext } from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import type { OperatorLists } from './operator-state/operator-lists.ts'
import type {
  DeclaredOperatorState,
  NoOperatorState,
  OperatorStateDeclarations,
} from './operator-state/operator-state.ts'

/** The states of a process function by name. */
export type StateDeclarations = Readonly<Record<string, StateDescriptor>>

/** The handles that declared states give. */
export type DeclaredState<S extends StateDeclarations> = {
  readonly [Name in keyof S]: StateHandle<S[Name]>
}

/**
 * What a process function sees of the record, key and timer being processed.
 *
 * One object an operator, so it must not be kept: but for `count` and `log` everything on it throws
 * `MR_STATE_OUTSIDE_CALLBACK` once the callback has returned (R15).
 */
export interface ProcessContext<
  S extends StateDeclarations,
  K extends Key = Key,
  O extends OperatorStateDeclarations = NoOperatorState,
> extends FunctionContext {
  /** The key of the record or timer. */
  readonly key: K
  /**
   * Event time of the record or timer in ms; records emitted get it. -Infinity for a record that has none and for
   * processing-time timers.
   */
  readonly timestamp: number
  /** The declared states, bound to the key. */
  readonly state: DeclaredState<S>
  /** The declared lists of the subtask, whatever the key. */
  readonly operatorState: DeclaredOperatorState<O>
  readonly timers: TimerService
  /** Emits to a side output, with the timestamp of the record or timer. */
  output<T>(tag: OutputTag<T>, value: NoInfer<T>): void
}

/** The same in `onTimer`. */
export interface TimerContext<
  S extends StateDeclarations,
  K extends Key = Key,
  O extends OperatorStateDeclarations = NoOperatorState,
> extends ProcessContext<S, K, O> {
  /** Which clock the timer went by. */
  readonly timeDomain: 'event' | 'processing'
}

/** Copies of descriptors with their names set, so that one descriptor may be declared twice. */
export function namedStates<D extends StateDescriptor | OperatorStateDescriptor>(
  declarations: Readonly<Record<string, D>> | undefined,
): D[] {
  return Object.entries(declarations ?? {}).map(([name, descriptor]) => ({ ...descriptor, name }))
}

/** What a function over keyed records declares, as it stands in the spec of its operator. */
export type Declared = Required<
  Pick<OperatorSpec, 'states' | 'operatorStates' | 'stateSpread' | 'hasTimers'>
>

/** The same of a function. */
export function declaredOf(definition: {
  readonly state?: StateDeclarations
  readonly operatorState?: OperatorStateDeclarations
  readonly onTimer?: unknown
}): Declared {
  return {
    states: namedStates(definition.state),
    operatorStates: namedStates(definition.operatorState),
    stateSpread: 'lists',
    hasTimers: definition.onTimer !== undefined,
  }
}

/** The keyed side of an operator behind a `keyBy`. */
export function keyedOf(context: OperatorContext): KeyedContext {
  invariant(context.keyed !== undefined, `operator "${context.name}" has no key`)
  return context.keyed
}

/** The one context object of a process operator. */
export class OperatorProcessContext
  extends CallbackContext
  implements TimerContext<StateDeclarations, Key, OperatorStateDeclarations>
{
  timeDomain: 'event' | 'processing' = 'event'
  readonly #scope: CallbackScope
  readonly #keyed: KeyedContext
  readonly #state: DeclaredState<StateDeclarations>
  readonly #timers: TimerService
  readonly #operatorState: DeclaredOperatorState<OperatorStateDeclarations>

  constructor(options: {
    readonly context: OperatorContext
    readonly scope: CallbackScope
    readonly states: readonly StateDescriptor[]
    readonly hasTimers: boolean
    readonly lists?: OperatorLists | undefined
  }) {
    const { context, states } = options
    super(context, options.scope)
    this.#scope = options.scope
    const keyed = keyedOf(context)
    this.#keyed = keyed
    this.#state = Object.fromEntries(states.map((state) => [state.name, keyed.state(state)]))
    this.#operatorState = options.lists?.handles ?? {}
    this.#timers = options.hasTimers ? keyed.timers : new UnhandledTimers(keyed.timers)
  }

  get key(): Key {
    this.#scope.check('the key')
    return this.#keyed.currentKey
  }

  get timestamp(): number {
    this.#scope.check('the timestamp')
    return this.#scope.timestamp
  }

  get state(): DeclaredState<StateDeclarations> {
    this.#scope.check('the state')
    return this.#state
  }

  get operatorState(): DeclaredOperatorState<OperatorStateDeclarations> {
    this.#scope.check('operator state')
    return this.#operatorState
  }

  get timers(): TimerService {
    this.#scope.check('the timer service')
    return this.#timers
  }
}

/** Timers of a function that has no `onTimer`: none can be registered, as none would ever be seen. */
class UnhandledTimers implements TimerService {
  readonly #timers: TimerService

  constructor(timers: TimerService) {
    this.#timers = timers
  }

  registerEventTime(): void {
    throw unhandledTimer()
  }

  registerProcessingTime(): void {
    throw unhandledTimer()
  }

  deleteEventTime(timestamp: number): void {
    this.#timers.deleteEventTime(timestamp)
  }

  deleteProcessingTime(timestamp: number): void {
    this.#timers.deleteProcessingTime(timestamp)
  }

  get currentWatermark(): number {
    return this.#timers.currentWatermark
  }

  get currentProcessingTime(): number {
    return this.#timers.currentProcessingTime
  }
}

function unhandledTimer(): StreamError {
  return new StreamError(
    'MR_TIMER_INVALID',
    'the process function registers a timer but has no onTimer; the timer would fire unseen; add onTimer, or leave the timer out.',
  )
}
