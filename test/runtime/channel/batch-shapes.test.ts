import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchEncoder } from '../../../runtime/channel/batch-encoder.ts'
import { exactly } from '../../harness/exactly.ts'
import { append, records, roundTrip } from './batch-run.ts'

const WARM = 40

/** What is no whole number of 32 bits, or only just. */
const EDGES: readonly unknown[] = [
  ...[-0, NaN, Infinity, -Infinity, 0.5, 1e21, 2 ** 32, 2 ** 53, Number.MIN_VALUE],
  ...[2 ** 31, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) - 1, 0, -1],
  ...[null, undefined, 'text', 5n, true, { n: 1 }, [1]],
]

const whole = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1))
const edge = fc.constantFrom(...EDGES)

/** Records with whole numbers on two levels, which at `at` hold something else, each in one field or more. */
const stretch = fc
  .tuple(
    fc.array(fc.tuple(whole, whole, whole), { maxLength: 60, size: 'max' }),
    fc.tuple(fc.oneof(whole, edge), fc.oneof(whole, edge), fc.oneof(whole, edge)),
  )
  .map(([wholes, last]) => [...wholes, last].map(([a, b, x]) => ({ a, b, p: { x } })))

const both = [true, false]

describe('whole numbers in batches', () => {
  it('come back as they were, whatever number or other value turns up among them (R18)', () => {
    fc.assert(
      fc.property(
        fc.array(stretch, { minLength: 1, maxLength: 8, size: 'max' }),
        fc.boolean(),
        fc.boolean(),
        (stretches, encoder, decoder) => {
          const batches = stretches.map((values) => records(values))
          const expected = batches.map((entries) => entries.map((entry) => exactly(entry)))
          expect(roundTrip(batches, { encoder, decoder })).toEqual(expected)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('come back as they were before and after each value that is none, written by either codec (R18, N26)', () => {
    for (const odd of EDGES) {
      for (const before of [0, 1, WARM]) {
        for (const generates of both) {
          const wholes = Array.from({ length: WARM }, (_, i) => ({ n: i - 3, p: { x: -i } }))
          const values = [...wholes.slice(0, before), { n: odd, p: { x: 0 } }, ...wholes]
          const batches = [records([...values, { n: 7, p: { x: odd } }, ...wholes])]
          const expected = batches.map((entries) => entries.map((entry) => exactly(entry)))
          expect(roundTrip(batches, { encoder: generates, decoder: !generates })).toEqual(expected)
          expect(roundTrip(batches, { encoder: generates, decoder: generates })).toEqual(expected)
        }
      }
    }
  })

  it('take half a slot each', () => {
    const encoder = new BatchEncoder()
    const values = Array.from({ length: 100 }, (_, i) => ({ a: i, b: -1 - i, c: 2 ** 31 - 1 - i }))
    append(encoder, records(values))
    // 8 bytes the timestamp, 4 the tags, 12 the numbers.
    expect(encoder.byteLength).toBeLessThan(100 * 24 + 100)
  })

  it('make one more shape where another number turns up, and none for any after that', () => {
    for (const generates of both) {
      for (const before of [1, WARM]) {
        const encoder = new BatchEncoder({ generates })
        append(encoder, records(Array.from({ length: before }, (_, n) => ({ n, p: { x: n } }))))
        const mixed = (i: number): number => (i % 3 === 0 ? 0.5 : i)
        append(
          encoder,
          records(Array.from({ length: 99 }, (_, i) => ({ n: mixed(i), p: { x: i } }))),
        )
        expect(encoder.paths).toMatchObject({ generic: 0, shapes: 2 })
        append(
          encoder,
          records(Array.from({ length: 99 }, (_, i) => ({ n: i, p: { x: mixed(i) } }))),
        )
        expect(encoder.paths).toMatchObject({ generic: 0, shapes: 3 })
      }
    }
  })

  it('make no new shape where the field is null, or no number at all', () => {
    const encoder = new BatchEncoder()
    append(encoder, records([1, null, 'text', undefined, 5n, 2].map((n) => ({ n }))))
    expect(encoder.paths.shapes).toBe(1)
  })

  it('do not take up the shapes of the channel by fields that turn out one after the other (N26)', () => {
    const encoder = new BatchEncoder()
    for (let last = -1; last < 90; last++) {
      const names = Array.from({ length: 90 }, (_, i) => [`f${i}`, i === last ? 0.5 : 1])
      append(encoder, records([Object.fromEntries(names)]))
    }
    expect(encoder.paths).toMatchObject({ generic: 0, shapes: 5 })
  })

  it('do so for no number of types that a channel has shapes for twice (N26)', () => {
    const encoder = new BatchEncoder()
    const names = Array.from({ length: 6 }, (_, field) => field)
    for (const last of [-1, ...names]) {
      for (let type = 0; type < 20; type++) {
        const fields = names.map((i) => [`f${i}`, i === last ? 0.5 : 1])
        append(encoder, records([{ [`k${type}`]: 1, in: Object.fromEntries(fields) }]))
      }
    }
    // 20; then 12 that keep whole numbers, and 8 that do not; then the 12 without.
    expect(encoder.paths).toMatchObject({ generic: 0, shapes: 52 })
  })
})

describe('shapes that are refined', () => {
  it('stay within what the decoder takes, however many fields turn out to be objects', () => {
    const wide = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`f${i}`, i]))
    const batches = [
      records([{ a: null, b: wide }, ...Array.from({ length: 3 }, () => ({ a: wide, b: wide }))]),
    ]
    const expected = batches.map((entries) => entries.map((entry) => exactly(entry)))
    expect(roundTrip(batches)).toEqual(expected)
  })

  it('hold what the record shows that made them, beside an object that has grown', () => {
    const encoder = new BatchEncoder()
    const wide = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`f${i}`, i]))
    append(
      encoder,
      records([
        { a: {}, b: { n: 1 } },
        ...Array.from({ length: 9 }, () => ({ a: wide, b: { n: 0.5 } })),
      ]),
    )
    expect(encoder.paths).toMatchObject({ generic: 0, shapes: 2 })
  })
})

describe('a union of three types', () => {
  it('makes no more use of a shape that has been refined, whatever came before its records', () => {
    const encoder = new BatchEncoder()
    const bytesOf = (price: number): number => {
      const before = encoder.byteLength
      append(encoder, records([{ type: 'bid', price, lot: 1 }]))
      return encoder.byteLength - before
    }
    append(encoder, records([{ type: 'end' }]))
    bytesOf(1)
    append(encoder, records([{ type: 'end', final: true }]))
    const small = bytesOf(1)
    bytesOf(0.5)
    append(encoder, records([{ type: 'end' }]))
    const after = bytesOf(2)
    append(encoder, records([{ type: 'end' }]))
    const wide = bytesOf(0.5)
    expect(after).toBe(wide)
    expect(small).toBeLessThan(wide)
  })

  it('stays with generated code but for the first 32 records of each type', () => {
    const encoder = new BatchEncoder()
    const types = (i: number): object[] => [
      { type: 'person', id: i, name: 'text', city: i % 2 === 0 ? 'Phoenix' : null },
      { type: 'auction', id: i, reserve: i, expires: 1_717_000_000_000 + i },
      { type: 'bid', auction: i, price: i },
    ]
    const values = Array.from({ length: 3_000 }, (_, i) => types(i)[i % 3])
    append(encoder, records(values))
    expect(encoder.paths).toEqual({ generated: 3_000 - 96, plain: 96, generic: 0, shapes: 3 })
  })
})
