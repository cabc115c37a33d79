import fc from 'fast-check'
import { approximateCountDistinct, type Key } from 'millrace'
import { describe, expect, it } from 'vitest'
import {
  addHash,
  emptySketch,
  estimateOf,
  hashOf,
  mergeSketches,
} from '../../../operators/aggregate/hyperloglog.ts'
import { encodeKey } from '../../../runtime/key-encoding.ts'

function sketchOf(keys: Iterable<Key>, precision: number): Uint8Array {
  const sketch = emptySketch(precision)
  for (const key of keys) addHash(sketch, hashOf(encodeKey(key)))
  return sketch
}

function* numbers(from: number, n: number): Iterable<number> {
  for (let i = 0; i < n; i++) yield from + i
}

const SHAPES: readonly ((i: number) => Key)[] = [
  (i) => i,
  (i) => `user-${i}`,
  (i) => BigInt(i),
  (i) => ['a', i],
  (i) => i / 3,
]

describe('HyperLogLog', () => {
  it('is within five standard errors for numbers of values from 1 to 100,000, fixed seed', () => {
    const cases = fc.record({
      precision: fc.integer({ min: 4, max: 16 }),
      exponent: fc.double({ min: 0, max: 4, noNaN: true }),
      from: fc.nat(1_000_000_000),
      shape: fc.constantFrom(...SHAPES),
    })
    fc.assert(
      fc.property(cases, ({ precision, exponent, from, shape }) => {
        const n = Math.round(10 ** exponent)
        const sketch = sketchOf([...numbers(from, n)].map(shape), precision)
        const error = Math.abs(estimateOf(sketch) - n) / n
        // The standard error holds for many values; of a few, one more or less is what a collision makes.
        expect(error).toBeLessThan((5 * 1.04) / Math.sqrt(2 ** precision) + 0.5 / n)
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('has no bias at any number: the mean of 100 sketches is close to it', () => {
    for (const n of [100, 600, 1_000, 4_000]) {
      let sum = 0
      for (let i = 0; i < 100; i++) sum += estimateOf(sketchOf(numbers(i * 1e6, n), 8)) / n
      // Three standard errors of a mean of 100.
      expect(Math.abs(sum / 100 - 1)).toBeLessThan((3 * 1.04) / Math.sqrt(2 ** 8 * 100))
    }
  })

  it('estimates 0 for nothing, and small numbers exactly', () => {
    expect(estimateOf(emptySketch(12))).toBe(0)
    for (const n of [1, 2, 5, 10]) {
      expect(Math.round(estimateOf(sketchOf(numbers(0, n), 12)))).toBe(n)
    }
  })

  it('merges to the sketch of all values, in any order and twice (R42)', () => {
    const lists = fc.array(fc.nat(2_000), { maxLength: 500, size: 'max' })
    fc.assert(
      fc.property(lists, lists, fc.integer({ min: 4, max: 10 }), (one, two, precision) => {
        const [a, b] = [sketchOf(one, precision), sketchOf(two, precision)]
        const both = sketchOf([...one, ...two], precision)
        expect(mergeSketches(a, b)).toEqual(both)
        expect(mergeSketches(b, a)).toEqual(both)
        expect(mergeSketches(both, a)).toEqual(both)
        expect([a, b]).toEqual([sketchOf(one, precision), sketchOf(two, precision)])
      }),
    )
  })

  it('merges sketches of two precisions into that of the lower one', () => {
    const [one, two] = [[...numbers(0, 3_000)], [...numbers(2_000, 3_000)]]
    const expected = sketchOf([...one, ...two], 6)
    expect(mergeSketches(sketchOf(one, 11), sketchOf(two, 6))).toEqual(expected)
    expect(mergeSketches(sketchOf(one, 6), sketchOf(two, 11))).toEqual(expected)
  })

  it('hashes as it always has: sketches in checkpoints depend on it', () => {
    const hashes = ['', 'a', 1, -1.5, 12n, ['a', 'b']].map((key) => {
      const { high, low } = hashOf(encodeKey(key as Key))
      return [high, low].map((half) => half.toString(16).padStart(8, '0')).join(' ')
    })
    expect(hashes).toMatchInlineSnapshot(`
      [
        "03241cac f1857754",
        "2b19383a 11e5be51",
        "66057a3b 6d076ea8",
        "bd926951 7a7e7555",
        "3df436dc cf00db38",
        "1b179b13 591bd4d8",
      ]
    `)
  })

  it('counts with an aggregate as with a sketch, and refuses a precision that there is not', () => {
    const aggregate = approximateCountDistinct((n: number) => n % 1_000)
    const full = [...numbers(0, 5_000)].reduce(aggregate.add, aggregate.create())
    expect(full.length).toBe(4_096)
    expect(Math.abs(aggregate.result(full) - 1_000)).toBeLessThan(50)
    expect(aggregate.merge!(full, aggregate.create())).toEqual(full)
    for (const precision of [3, 17, 4.5, NaN, '12' as never]) {
      expect(() => approximateCountDistinct(() => 1, { precision })).toThrow(
        expect.objectContaining({ code: 'MR_OPTION_INVALID' }),
      )
    }
  })
})
