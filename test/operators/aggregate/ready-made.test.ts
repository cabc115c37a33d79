import fc from 'fast-check'
import {
  type AggregateFunction,
  averageOf,
  count,
  countDistinct,
  type Key,
  maxOf,
  minOf,
  sumOf,
} from 'millrace'
import { describe, expect, it } from 'vitest'

/** What an aggregate makes of values: one after another, and cut in three that are merged. */
function results<V, Acc, R>(aggregate: AggregateFunction<V, Acc, R>, values: readonly V[]): R[] {
  const fold = (part: readonly V[]): Acc =>
    part.reduce((acc, value) => aggregate.add(acc, value), aggregate.create())
  const [one, two] = [Math.floor(values.length / 3), Math.floor((values.length * 2) / 3)]
  const parts = [values.slice(0, one), values.slice(one, two), values.slice(two)].map(fold)
  const [a, b, c] = parts as [Acc, Acc, Acc]
  const merge = aggregate.merge!
  return [fold(values), merge(merge(a, b), c), merge(c, merge(a, b)), merge(a, merge(b, c))].map(
    aggregate.result,
  )
}

const all = <R>(result: R): R[] => [result, result, result, result]

const integers = fc.array(fc.integer({ min: -1_000, max: 1_000 }), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
})

describe('ready-made aggregates', () => {
  it('come to what a loop comes to, however they are merged (R42)', () => {
    fc.assert(
      fc.property(integers, (values) => {
        const sum = values.reduce((a, b) => a + b)
        expect(results(count(), values)).toEqual(all(values.length))
        expect(
          results(
            sumOf((v: number) => v),
            values,
          ),
        ).toEqual(all(sum))
        expect(
          results(
            sumOf((v: number) => BigInt(v)),
            values,
          ),
        ).toEqual(all(BigInt(sum)))
        expect(
          results(
            averageOf((v: number) => v),
            values,
          ),
        ).toEqual(all(sum / values.length))
        expect(
          results(
            minOf((v: number) => v),
            values,
          ),
        ).toEqual(all(Math.min(...values)))
        expect(
          results(
            maxOf((v: number) => v),
            values,
          ),
        ).toEqual(all(Math.max(...values)))
        const texts = values.map(String)
        expect(
          results(
            maxOf((v: string) => v),
            texts,
          ),
        ).toEqual(all(texts.toSorted().at(-1)))
        const distinct = new Set(values.map((v) => v % 10 || 0)).size
        expect(
          results(
            countDistinct((v: number) => v % 10),
            values,
          ),
        ).toEqual(all(distinct))
      }),
    )
  })

  it('take values as different that are different keys (R19)', () => {
    const keys: Key[] = [1, '1', 1n, 0, -0, ['a', 'b'], ['ab'], ['a', 'b'], '\0', 'x', 'x']
    keys.push(Uint8Array.of(1), Uint8Array.of(1), [Uint8Array.of(1)], '')
    expect(
      results(
        countDistinct((key: Key) => key),
        keys,
      ),
    ).toEqual(all(11))
  })

  it('leave accumulators as they are when they merge them, since those may be panes', () => {
    const distinct = countDistinct((v: number) => v)
    const [a, b] = [new Set([1, 2]), new Set([2, 3, 4])]
    distinct.merge!(a, b)
    distinct.merge!(b, a)
    expect([[...a], [...b]]).toEqual([
      [1, 2],
      [2, 3, 4],
    ])
  })

  it.each([
    ['sumOf', sumOf((v: unknown) => v as number), [NaN]],
    ['sumOf', sumOf((v: unknown) => v as number), [1, 1n]],
    ['sumOf', sumOf((v: unknown) => v as number), [undefined]],
    ['averageOf', averageOf((v: unknown) => v as number), [1n]],
    ['averageOf', averageOf((v: unknown) => v as number), ['1']],
    ['minOf', minOf((v: unknown) => v as number), [NaN]],
    ['maxOf', maxOf((v: unknown) => v as number), ['1', 1]],
    ['countDistinct', countDistinct((v: unknown) => v as Key), [undefined]],
    ['countDistinct', countDistinct((v: unknown) => v as Key), [['a', NaN]]],
  ])('%s refuses values that it cannot take: %#', (name, aggregate, values) => {
    const typed = aggregate as AggregateFunction<unknown, unknown, unknown>
    expect(() => values.reduce(typed.add, typed.create())).toThrow(
      expect.objectContaining({
        code: 'MR_AGGREGATE_INVALID',
        message: expect.stringContaining(`(of ${name})`),
      }),
    )
  })

  it('refuse a promise (R15), and what is no function', () => {
    const async = sumOf(() => Promise.resolve(1) as never)
    expect(() => async.add(null, 1)).toThrow(expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }))
    const distinct = countDistinct(() => Promise.resolve(1) as never)
    expect(() => distinct.add(new Set(), 1)).toThrow(
      expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }),
    )
    const makers: readonly ((of: never) => unknown)[] = [sumOf, averageOf, minOf, maxOf]
    for (const make of [...makers, countDistinct as (of: never) => unknown]) {
      expect(() => make(undefined as never)).toThrow(
        expect.objectContaining({ code: 'MR_GRAPH_INVALID' }),
      )
    }
  })
})
