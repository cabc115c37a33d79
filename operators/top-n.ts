import { givenText, StreamError } from '../runtime/errors.ts'
import type { OptionNames } from '../runtime/option-names.ts'
import { valueState } from '../runtime/state/state.ts'
import { checkOrdered, compareOrdered, type Ordered } from './aggregate/ordered.ts'
import type { Out } from './collector.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { processFunction } from './process.ts'
import { refusePromise } from './synchronous.ts'
import type { MergingAggregateFunction } from './window/aggregate-function.ts'

/** How records are ranked: by a value, the highest first, or by a comparison. */
export type TopNRanking<T> =
  | {
      /** The rank of a record; the highest one is best. Always of one type, and the same for the same record. */
      readonly by: (value: T) => number | bigint | string
      readonly compare?: never
    }
  | {
      /** Below 0 if `a` is better than `b`, 0 if they are equal, as for `Array.sort`. */
      readonly compare: (a: T, b: T) => number
      readonly by?: never
    }

export const TOP_N: OptionNames<TopNRanking<unknown>> = { by: true, compare: true }

type Compare = (a: unknown, b: unknown) => number

/** The operator behind `topN` of a keyed stream: emits the list of the key, best first, whenever a record changes it. */
export function topNSpec(n: number, ranking: TopNRanking<never>): OperatorSpec {
  const top = new TopList(n, ranking)
  const { spec } = processFunction({
    state: { top: valueState<readonly unknown[]>() },
    processElement(record: unknown, ctx, out: Out<readonly unknown[]>) {
      const before = ctx.state.top.value() ?? []
      const after = top.add(before, record)
      if (after === before) return
      ctx.state.top.update(after)
      out.emit(after)
    },
  })
  return { ...spec, operatorKind: 'top-n' }
}

/** The aggregate behind `topN` of a windowed stream: the list of a window, best first. */
export function topNAggregate(
  n: number,
  ranking: TopNRanking<never>,
): MergingAggregateFunction<unknown, readonly unknown[], readonly unknown[]> {
  const top = new TopList(n, ranking)
  return {
    create: () => [],
    add: (list, record) => top.add(list, record),
    result: (list) => list,
    merge: (a, b) => b.reduce<readonly unknown[]>((list, record) => top.add(list, record), a),
  }
}

/**
 * The n best records of those added, best first; of equal ones the earlier is better. Pure: lists are never changed.
 *
 * Adding compares O(log n) times and copies at most n records; one that is not among the best costs one comparison.
 */
export class TopList {
  readonly #n: number
  readonly #compare: Compare

  /** Fails with `MR_OPTION_INVALID` unless n is an integer above 0 and there is one ranking. */
  constructor(n: number, ranking: TopNRanking<never>) {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new StreamError(
        'MR_OPTION_INVALID',
        `topN() was given ${givenText(n)} (${typeof n}) as the length of its lists; no such list can be kept; give an integer of at least 1.`,
        { n },
      )
    }
    this.#n = n
    this.#compare = compareOf(ranking)
  }

  /** The list with one more record; the same list if it is not among the best. */
  add(list: readonly unknown[], record: unknown): readonly unknown[] {
    const compare = this.#compare
    // What is restored may have been kept by a job with longer lists.
    if (list.length > this.#n) return this.add(list.slice(0, this.#n), record)
    // A first record is compared with itself, so that one that has no rank is found at once.
    const last = list.length === 0 ? record : list.at(-1)
    const isBelow = compare(last, record) <= 0
    if (isBelow && list.length >= this.#n) return list
    const at = isBelow ? list.length : this.#placeOf(list, record)
    return [...list.slice(0, at), record, ...list.slice(at, this.#n - 1)]
  }

  /** How many records of the list are at least as good. */
  #placeOf(list: readonly unknown[], record: unknown): number {
    let from = 0
    let to = list.length - 1
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#compare(list[middle], record) <= 0) from = middle + 1
      else to = middle
    }
    return from
  }
}

function compareOf({ by, compare }: TopNRanking<never>): Compare {
  const given: unknown = by ?? compare
  if (typeof given !== 'function' || (by !== undefined && compare !== undefined)) {
    throw new StreamError(
      'MR_OPTION_INVALID',
      'topN() needs either a function by or a function compare, and has none or both; records have no rank; give one of them.',
    )
  }
  return by === undefined
    ? compared(given as Compare)
    : ranked(given as (value: unknown) => Ordered)
}

function compared(compare: Compare): Compare {
  return (a, b) => {
    const order = compare(a, b)
    if (typeof order === 'number' && order === order) return order
    refusePromise(order, 'compare of topN')
    throw new StreamError(
      'MR_AGGREGATE_INVALID',
      `compare of topN returned ${String(order)} (${typeof order}) for two records; they have no order; return a number below 0, 0 or above 0.`,
    )
  }
}

function ranked(by: (value: unknown) => Ordered): Compare {
  const rankOf = (value: unknown): Ordered => {
    const rank = by(value)
    if (typeof rank === 'object') refusePromise(rank, 'by of topN')
    return checkOrdered(rank, RANK)
  }
  return (a, b) => compareOrdered(rankOf(b), rankOf(a), RANK)
}

const RANK = 'the rank of the record (by of topN)'
