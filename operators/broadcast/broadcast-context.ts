import { StreamError } from '../../runtime/errors.ts'
import type { Key } from '../../runtime/key.ts'
import type { OperatorContext } from '../../runtime/operator.ts'
import type { CallbackScope } from '../collector.ts'
import { type ElementContext, OperatorElementContext } from '../element-function.ts'
import type {
  DeclaredState,
  ProcessContext,
  StateDeclarations,
  TimerContext,
} from '../process-context.ts'
import type {
  BroadcastStateDeclarations,
  DeclaredBroadcastState,
  ReadableBroadcastState,
} from './broadcast-state.ts'

/** What `processElement` of a broadcast function without keys sees. */
export interface ReadOnlyBroadcastContext<
  B extends BroadcastStateDeclarations,
> extends ElementContext {
  /** The declared broadcast states, to be read. */
  readonly broadcastState: ReadableBroadcastState<B>
}

/** What `processBroadcastElement` sees: there is no key, so neither keyed state nor timers. */
export interface BroadcastContext<B extends BroadcastStateDeclarations> extends ElementContext {
  /** The declared broadcast states, which may be written here. */
  readonly broadcastState: DeclaredBroadcastState<B>
}

/** What `processElement` of a keyed broadcast function sees. */
export interface KeyedReadOnlyBroadcastContext<
  S extends StateDeclarations,
  B extends BroadcastStateDeclarations,
  K extends Key = Key,
> extends ProcessContext<S, K> {
  /** The declared broadcast states, to be read. */
  readonly broadcastState: ReadableBroadcastState<B>
}

/** The same in `onTimer`. */
export interface BroadcastTimerContext<
  S extends StateDeclarations,
  B extends BroadcastStateDeclarations,
  K extends Key = Key,
> extends TimerContext<S, K> {
  /** The declared broadcast states, to be read. */
  readonly broadcastState: ReadableBroadcastState<B>
}

/** What `processBroadcastElement` of a keyed broadcast function sees. */
export interface KeyedBroadcastContext<
  S extends StateDeclarations,
  B extends BroadcastStateDeclarations,
  K extends Key = Key,
> extends BroadcastContext<B> {
  /**
   * Calls a function for every key of this subtask that has something in a declared state, by key group and in the order of the
   * encoded keys within it (R17), with the handle of that state bound to the key; it may be read and written.
   *
   * The calls come once `processBroadcastElement` has returned, and before any other record, watermark or checkpoint, so they
   * see broadcast state as it is then. The function may emit, and use this context, as the callback may. Called twice, the
   * second round follows the first. Costs time in proportion to the keys that this subtask has.
   */
  applyToKeyedState<Name extends keyof S & string>(
    state: Name,
    visit: (key: K, state: DeclaredState<S>[Name]) => void | undefined,
  ): void
}

/** The context of the side that reads, without keys. */
export class OperatorReadOnlyBroadcastContext
  extends OperatorElementContext
  implements ReadOnlyBroadcastContext<BroadcastStateDeclarations>
{
  readonly #scope: CallbackScope
  readonly #state: ReadableBroadcastState<BroadcastStateDeclarations>

  constructor(
    context: OperatorContext,
    scope: CallbackScope,
    state: ReadableBroadcastState<BroadcastStateDeclarations>,
  ) {
    super(context, scope)
    this.#scope = scope
    this.#state = state
  }

  get broadcastState(): ReadableBroadcastState<BroadcastStateDeclarations> {
    this.#scope.check('the broadcast state')
    return this.#state
  }
}

/** Takes note that keys are to be visited: the name of the state, and the function to call. */
export type AskForVisit = (state: string, visit: (key: Key, state: never) => unknown) => void

/** The context of the side that writes. What belongs to keys is there only to say that there is none. */
export class OperatorBroadcastContext
  extends OperatorElementContext
  implements KeyedBroadcastContext<StateDeclarations, BroadcastStateDeclarations>
{
  readonly #scope: CallbackScope
  readonly #operator: string
  readonly #state: DeclaredBroadcastState<BroadcastStateDeclarations>
  readonly #ask: AskForVisit | undefined

  /** `ask` is there where the other input is keyed. */
  constructor(
    context: OperatorContext,
    scope: CallbackScope,
    state: DeclaredBroadcastState<BroadcastStateDeclarations>,
    ask?: AskForVisit,
  ) {
    super(context, scope)
    this.#scope = scope
    this.#operator = context.name
    this.#state = state
    this.#ask = ask
  }

  get broadcastState(): DeclaredBroadcastState<BroadcastStateDeclarations> {
    this.#scope.check('the broadcast state')
    return this.#state
  }

  applyToKeyedState(state: string, visit: (key: Key, state: never) => void | undefined): void {
    this.#scope.check('applyToKeyedState')
    if (this.#ask === undefined) throw this.noKey('applyToKeyedState')
    this.#ask(state, visit)
  }

  protected override noKey(what: string): StreamError {
    return new StreamError(
      'MR_STATE_OUTSIDE_CALLBACK',
      `Operator "${this.#operator}": ${what} was used in processBroadcastElement; a broadcast record goes to every subtask and has no key that it could belong to; use broadcast state there, timers in processElement, and applyToKeyedState of a keyed broadcast function to reach the state of all keys.`,
      { operator: this.#operator, what },
    )
  }
}
