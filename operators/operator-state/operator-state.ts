import type {
  OperatorListState,
  OperatorStateDescriptor,
} from '../../runtime/state/operator-state.ts'
import type { FunctionContext } from '../function.ts'

/** The lists of a function by name. */
export type OperatorStateDeclarations = Readonly<Record<string, OperatorStateDescriptor>>

/** The declarations of a function that has none. */
export type NoOperatorState = Record<never, never>

/** The handles that declared lists give. */
export type DeclaredOperatorState<O extends OperatorStateDeclarations> = {
  readonly [Name in keyof O]: O[Name] extends OperatorStateDescriptor<infer T>
    ? OperatorListState<T>
    : never
}

/** What `open` of a function with lists is told: they hold what the snapshot had, and may be changed. */
export interface OperatorStateContext<O extends OperatorStateDeclarations> extends FunctionContext {
  /** The declared lists of the subtask, until what `open` returned has settled. */
  readonly operatorState: DeclaredOperatorState<O>
}
