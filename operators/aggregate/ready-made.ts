import { checkMethods } from '../function.ts'
import { refusePromise } from '../synchronous.ts'
import type { MergingAggregateFunction } from '../window/aggregate-function.ts'
import { addNumeric, checkNumeric, checkOrdered, compareOrdered, type Ordered } from './ordered.ts'

/**
 * How many records there are.
 *
 * @example
 * orders.keyBy((o) => o.shop).window(tumblingEventTimeWindows('1h')).aggregate(count(), { uid: 'orders-per-hour' })
 */
export function count(): MergingAggregateFunction<unknown, number, number> {
  return {
    create: () => 0,
    add: (total) => total + 1,
    result: (total) => total,
    merge: (a, b) => a + b,
  }
}

/**
 * The sum of a value of each record: numbers or bigints. Anything else, NaN too, fails with `MR_AGGREGATE_INVALID`.
 *
 * Numbers lose digits beyond 2^53, and fractions are rounded, so that their sum depends on the order: count in cents, or in
 * bigints.
 *
 * @example
 * windowed.aggregate(sumOf((order) => order.cents), { uid: 'revenue' })
 */
export function sumOf<In>(
  of: (value: In) => number,
): MergingAggregateFunction<In, number | null, number>
export function sumOf<In>(
  of: (value: In) => bigint,
): MergingAggregateFunction<In, bigint | null, bigint>
export function sumOf<In>(
  of: (value: In) => number | bigint,
): MergingAggregateFunction<In, number | bigint | null, number | bigint> {
  const what = 'the value of the record (of sumOf)'
  const valueOf = checkedOf(of, 'sumOf', (value) => checkNumeric(value, what))
  return folded(valueOf, (a, b) => addNumeric(a, b, what))
}

/**
 * The arithmetic mean of a number of each record. NaN and what is no number fail with `MR_AGGREGATE_INVALID`.
 *
 * @example
 * windowed.aggregate(averageOf((order) => order.cents), { uid: 'basket' })
 */
export function averageOf<In>(
  of: (value: In) => number,
): MergingAggregateFunction<In, { readonly sum: number; readonly count: number }, number> {
  const what = 'the value of the record (of averageOf)'
  const valueOf = checkedOf(of, 'averageOf', (value) => checkNumeric(value, what, 'a number'))
  return {
    create: () => ({ sum: 0, count: 0 }),
    add: ({ sum, count }, value) => {
      // The sum so far is a number, so that a bigint is refused.
      return { sum: addNumeric(sum, valueOf(value) as number, what), count: count + 1 }
    },
    result: ({ sum, count }) => sum / count,
    merge: (a, b) => ({ sum: addNumeric(a.sum, b.sum, what), count: a.count + b.count }),
  }
}

/**
 * The lowest of a value of each record: numbers, bigints or strings of one type. Anything else, NaN too, fails with
 * `MR_AGGREGATE_INVALID`.
 *
 * @example
 * windowed.aggregate(minOf((reading) => reading.celsius), { uid: 'coldest' })
 */
export function minOf<In, V extends Ordered>(
  of: (value: In) => V,
): MergingAggregateFunction<In, V | null, V> {
  return extremeOf(of, 'minOf', 1)
}

/**
 * The highest of a value of each record: numbers, bigints or strings of one type. Anything else, NaN too, fails with
 * `MR_AGGREGATE_INVALID`.
 *
 * @example
 * windowed.aggregate(maxOf((reading) => reading.celsius), { uid: 'hottest' })
 */
export function maxOf<In, V extends Ordered>(
  of: (value: In) => V,
): MergingAggregateFunction<In, V | null, V> {
  return extremeOf(of, 'maxOf', -1)
}

function extremeOf<In, V extends Ordered>(
  of: (value: In) => V,
  name: string,
  sign: 1 | -1,
): MergingAggregateFunction<In, V | null, V> {
  const what = `the value of the record (of ${name})`
  const valueOf = checkedOf(of, name, (value) => checkOrdered(value, what) as V)
  return folded(valueOf, (a, b) => (sign * compareOrdered(a, b, what) > 0 ? b : a))
}

/** One value for all: null before the first, as an accumulator is never undefined. */
function folded<In, V>(
  valueOf: (value: In) => V,
  combine: (a: V, b: V) => V,
): MergingAggregateFunction<In, V | null, V> {
  const merge = (a: V | null, b: V | null): V | null => {
    if (a === null) return b
    return b === null ? a : combine(a, b)
  }
  return {
    create: () => null,
    add: (soFar, value) => merge(soFar, valueOf(value)),
    result: (value) => value as V,
    merge,
  }
}

function checkedOf<In, V>(
  of: (value: In) => unknown,
  name: string,
  check: (value: unknown) => V,
): (value: In) => V {
  checkMethods({ of }, ['of'], name)
  return (value) => {
    const result = of(value)
    if (typeof result === 'object') refusePromise(result, `of of ${name}`)
    return check(result)
  }
}
