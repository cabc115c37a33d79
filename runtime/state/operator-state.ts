import { checkOptionNames, type OptionNames } from '../option-names.ts'
import type { PlainStateOptions, StateOptions } from './state-options.ts'
import type { Upcasts } from './upcasts.ts'

/**
 * A list that belongs to a subtask, not to a key, in the order of `add`.
 *
 * Each item is stored by itself, so that a list can be taken apart at another parallelism. Items are encoded when they are added;
 * `get` decodes what it has not yet, and the list keeps both. One may be changed in place only if `update` follows in the same
 * callback (R16). Lists are in memory as a whole, and a checkpoint writes all of them: they are for positions and for what is
 * held back for a while, not for what grows with the input.
 */
export interface OperatorListState<T> {
  /** The items, an empty list if there are none; read-only, as R16 has it. Costs nothing per item that it has decoded before. */
  get(): readonly T[]
  add(value: T): void
  addAll(values: readonly T[]): void
  /** Replaces the whole list; an empty one is `clear()`. */
  update(values: readonly T[]): void
  clear(): void
}

/**
 * What becomes of the lists of all subtasks in a restore (semantics 2.9).
 *
 * | kind | each subtask gets |
 * | --- | --- |
 * | `operator-list` | its own list; where the number of subtasks has changed, its share of all items |
 * | `union-list` | the items of all subtasks, in their order; where the number has not changed too |
 */
export const OPERATOR_STATE_KINDS = ['operator-list', 'union-list'] as const

export type OperatorStateKind = (typeof OPERATOR_STATE_KINDS)[number]

/** What a function declares of a state that belongs to its subtask. */
export interface OperatorStateDescriptor<
  T = unknown,
  Kind extends OperatorStateKind = OperatorStateKind,
> {
  readonly kind: Kind
  /** Schema version of the items, ≥ 1; written into every snapshot. */
  readonly version: number
  /** Set by the operator that declares it: the name within the operator. */
  readonly name: string
  /** Make items of older versions into those of `version`. */
  readonly upcasts?: Upcasts | undefined
  /** Only for type inference; never set. */
  readonly _value?: T
}

/** Options of a list that belongs to a subtask: those of any state but `ttl`, as nothing in it expires. */
export type OperatorStateOptions<T = never> = StateOptions<T> & { readonly ttl?: undefined }

const OPTIONS: OptionNames<Omit<PlainStateOptions, 'ttl'>> = { version: true, upcasts: true }

/**
 * Declares a list that belongs to a subtask. Started at another parallelism, the items of all subtasks are shared out evenly:
 * so many in a row to each. Upcasts make one item.
 *
 * @example
 * orders.process(
 *   {
 *     operatorState: { held: operatorListState<Order>() },
 *     processElement(order, ctx, out: Out<Order[]>) {
 *       const { held } = ctx.operatorState
 *       held.add(order)
 *       if (held.get().length < 100) return
 *       out.emit([...held.get()])
 *       held.clear()
 *     },
 *   },
 *   { uid: 'hundreds' },
 * )
 */
export function operatorListState<T>(
  options?: OperatorStateOptions<T>,
): OperatorStateDescriptor<T, 'operator-list'> {
  return { kind: 'operator-list', ...common('operatorListState', options) }
}

/**
 * Declares a list that belongs to a subtask, of which every subtask gets all there was, of all subtasks, whenever the job goes on
 * from a snapshot: each takes its part of it in `open`, by `update`, or the items are there once for every subtask by then.
 *
 * While some subtasks of its operator have finished and others have not, no checkpoint can be taken, as those that have finished
 * would no longer take their part (semantics 2.9): the failed ones count as any. An exchange before it, such as `rebalance()`,
 * makes all its subtasks finish together.
 *
 * @example
 * orders.process(
 *   {
 *     operatorState: { highest: unionListState<number>() },
 *     open({ operatorState: { highest } }) {
 *       highest.update([Math.max(0, ...highest.get())])
 *     },
 *     processElement(order, ctx, out: Out<Order>) {
 *       const { highest } = ctx.operatorState
 *       if (order.cents <= highest.get()[0]!) return
 *       highest.update([order.cents])
 *       out.emit(order)
 *     },
 *   },
 *   { uid: 'records' },
 * )
 */
export function unionListState<T>(
  options?: OperatorStateOptions<T>,
): OperatorStateDescriptor<T, 'union-list'> {
  return { kind: 'union-list', ...common('unionListState', options) }
}

function common(maker: string, options: PlainStateOptions | undefined) {
  checkOptionNames(options, OPTIONS, `${maker}()`)
  const { version = 1, upcasts } = options ?? {}
  return { version, name: '', ...(upcasts === undefined ? {} : { upcasts }) }
}

/** Whether a state of this kind is a list that belongs to subtasks. */
export function isOperatorStateKind(kind: string): kind is OperatorStateKind {
  return (OPERATOR_STATE_KINDS as readonly string[]).includes(kind)
}
