import type { OperatorFactory, StateSpread } from '../runtime/operator.ts'
import type { OperatorStateDescriptor } from '../runtime/state/operator-state.ts'
import type { StateDescriptor } from '../runtime/state/state.ts'

/** What an operator file hands to the graph: the node without its place in the graph. */
export type OperatorSpec = SpecOfAny & (SpecWithoutState | SpecWithState)

interface SpecOfAny {
  readonly operatorKind: string
  readonly factory: OperatorFactory
  /** Declared keyed states, with their names. Default none. */
  readonly states?: readonly StateDescriptor[]
  /** Declared broadcast states, with their names: they are in what `snapshotState` returns. Default none. */
  readonly broadcastStates?: readonly StateDescriptor[]
  /** Declared lists of its subtasks, with their names: they are what `snapshotState` returns. Default none. */
  readonly operatorStates?: readonly OperatorStateDescriptor[]
  /** Default false. */
  readonly hasTimers?: boolean
  readonly stateSpread?: StateSpread
}

interface SpecWithoutState {
  /** Whether it keeps state of its subtask; default false, but for broadcast states and lists. */
  readonly hasOperatorState?: false
}

/** Ours all go on at any parallelism. */
interface SpecWithState {
  readonly hasOperatorState: boolean
  /** What becomes of that state at another parallelism. */
  readonly stateSpread: Exclude<StateSpread, 'fixed'>
}
