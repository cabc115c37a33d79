import type { FunctionLifecycle } from '../function.ts'

/**
 * Folds the records of a window into one accumulator, so that a window costs the same however many records it has.
 *
 * The accumulator is state: within the type table (R18), never undefined, and `add` may change it in place.
 */
export interface AggregateFunction<In, Acc, R> extends FunctionLifecycle {
  /** An empty accumulator: called for the first record of a window. */
  create(): Acc
  /** The accumulator with one more record in it; called in the order of arrival. */
  add(accumulator: Acc, value: In): Acc
  /**
   * What a window has come to; called each time that it fires. Where `add` changes the accumulator in place this is something
   * else, such as a copy: records may still come to what the window was made of.
   */
  result(accumulator: Acc): R
  /**
   * Two accumulators in one, a new one: it leaves both as they are, since they may be part of other windows. Must be
   * associative and commutative. Session windows need it; with it sliding windows share their work.
   */
  merge?(a: Acc, b: Acc): Acc
}

/** An aggregate function for windows that merge. */
export type MergingAggregateFunction<In, Acc, R> = AggregateFunction<In, Acc, R> &
  Required<Pick<AggregateFunction<In, Acc, R>, 'merge'>>
