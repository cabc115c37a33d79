import fc from 'fast-check'
import type { DataStream, KeyedStream } from 'millrace'
import { operatorHarness, verifyOperator } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { fieldAggregate } from '../../../operators/aggregate/field-aggregate.ts'

interface Offer {
  readonly item: string
  readonly shop: string
  readonly cents: number
}

type Offers = KeyedStream<Offer, string>

const keyed = (build: (offers: Offers) => DataStream<Offer>) => (offers: DataStream<Offer>) =>
  build(offers.keyBy((offer) => offer.item))

const offer = (shop: string, cents: number, item = 'pen'): Offer => ({ item, shop, cents })

/** Three of one item, with a tie at the bottom and one at the top, and one of another. */
const offers = [
  offer('a', 30),
  offer('b', 20),
  offer('x', 7, 'ink'),
  offer('c', 20),
  offer('d', 30),
  offer('e', 25),
]

describe('sum, min, max, minBy and maxBy of a keyed stream (semantics 1.1)', () => {
  it.each([
    ['sum', [30, 50, 7, 70, 100, 125]],
    ['min', [30, 20, 7, 20, 20, 20]],
    ['max', [30, 30, 7, 30, 30, 30]],
  ] as const)(
    '%s emits the first record with the field replaced, one for each record (semantics 1.1)',
    async (method, cents) => {
      await verifyOperator(
        keyed((stream) => stream[method]('cents', { uid: 'rolling' })),
        {
          input: offers.map((value) => ({ value })),
          expected: cents.map((value, i) =>
            i === 2 ? offer('x', value, 'ink') : offer('a', value),
          ),
        },
      )
    },
  )

  it.each([
    ['minBy', undefined, 'abxbbb'],
    ['minBy', true, 'abxbbb'],
    ['minBy', false, 'abxccc'],
    ['maxBy', undefined, 'aaxaaa'],
    ['maxBy', false, 'aaxadd'],
  ] as const)(
    '%s with first: %s emits the whole record that has the extreme (semantics 1.1)',
    async (method, first, shops) => {
      const options = { uid: 'rolling', ...(first === undefined ? {} : { first }) }
      await verifyOperator(
        keyed((stream) => stream[method]('cents', options)),
        {
          input: offers.map((value) => ({ value })),
          expected: [...shops].map((shop) => offers.find((one) => one.shop === shop)!),
        },
      )
    },
  )

  it('gives each result the timestamp of the record that it was emitted for', async () => {
    const harness = await operatorHarness(keyed((s) => s.minBy('cents', { uid: 'rolling' })))
    harness.processElement(offer('a', 1), 10)
    harness.processElement(offer('b', 2), 5)
    expect(harness.outputRecords().map(({ timestamp }) => timestamp)).toEqual([10, 5])
    await harness.close()
  })

  it('sums bigints beyond 2^53 exactly, and compares strings', async () => {
    const rows = [
      { n: 2n ** 64n, name: 'b' },
      { n: 1n, name: 'a' },
    ]
    const input = rows.map((value) => ({ value }))
    await verifyOperator(
      (stream: DataStream<(typeof rows)[0]>) => stream.keyBy(() => 0).sum('n', { uid: 'rolling' }),
      {
        input,
        expected: [
          { n: 2n ** 64n, name: 'b' },
          { n: 2n ** 64n + 1n, name: 'b' },
        ],
      },
    )
    await verifyOperator(
      (stream: DataStream<(typeof rows)[0]>) =>
        stream.keyBy(() => 0).min('name', { uid: 'rolling' }),
      {
        input,
        expected: [
          { n: 2n ** 64n, name: 'b' },
          { n: 2n ** 64n, name: 'a' },
        ],
      },
    )
  })

  it.each([
    ['sum', [{ v: NaN }], 'NaN (number)'],
    ['sum', [{ v: 1 }, { v: undefined }], 'undefined'],
    ['sum', [{ v: 1 }, {}], 'undefined'],
    ['sum', [{ v: '1' }], '"1" (string)'],
    ['sum', [{ v: 1 }, { v: 1n }], '1 (bigint) where it was 1 (number) before'],
    ['sum', [{ v: Infinity }, { v: -Infinity }], 'NaN (number)'],
    ['min', [{ v: NaN }], 'NaN (number)'],
    ['min', [{ v: 1n }, { v: 1 }], '1 (number) where it was 1 (bigint) before'],
    ['max', [{ v: null }], 'null'],
    ['minBy', [{ v: true }], 'true (boolean)'],
    ['minBy', [{ v: new Date(0) }], 'an object'],
    ['maxBy', [{ v: 'a' }, { v: 1 }], '1 (number) where it was "a" (string) before'],
    ['sum', [[1]], 'undefined'],
    ['max', [7], 'undefined'],
  ] as const)('%s refuses %o, naming field and record', async (method, rows, shown) => {
    const harness = await operatorHarness((stream: DataStream<{ v: number }>) =>
      stream.keyBy(() => 0)[method]('v', { uid: 'rolling' }),
    )
    const given = rows as unknown as readonly { v: number }[]
    for (const row of given.slice(0, -1)) harness.processElement(row)
    let thrown: unknown
    try {
      harness.processElement(given.at(-1)!)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'MR_AGGREGATE_INVALID', fields: { operator: 'rolling' } })
    expect((thrown as Error).message).toContain('the field "v" of the record')
    expect((thrown as Error).message).toContain(shown)
    expect(thrown).toHaveProperty('fields.record')
    await harness.close()
  })

  it.each([
    ['the field', 'sum', undefined, {}],
    ['first', 'minBy', 'v', { first: 1 }],
  ] as const)(
    'refuses %s of a wrong type when the graph is built',
    async (_, kind, field, options) => {
      expect(() => fieldAggregate(kind, field as string, options as object)).toThrow(
        expect.objectContaining({ code: 'MR_OPTION_INVALID' }),
      )
    },
  )

  it('does what a loop over the records does, random streams', () => {
    const rows = fc.array(fc.record({ v: fc.integer({ min: -5, max: 5 }), id: fc.nat() }), {
      minLength: 1,
      maxLength: 50,
      size: 'max',
    })
    fc.assert(
      fc.property(rows, (list) => {
        const first = list[0]!
        const values = list.map(({ v }) => v)
        const fold = (...args: Parameters<typeof fieldAggregate>) =>
          list.reduce<unknown>(fieldAggregate(...args), undefined)
        const [lowest, highest] = [Math.min(...values), Math.max(...values)]
        expect(fold('sum', 'v')).toEqual({ ...first, v: values.reduce((a, b) => a + b) })
        expect(fold('min', 'v')).toEqual({ ...first, v: lowest })
        expect(fold('max', 'v')).toEqual({ ...first, v: highest })
        expect(fold('minBy', 'v')).toBe(list.find(({ v }) => v === lowest))
        expect(fold('maxBy', 'v')).toBe(list.find(({ v }) => v === highest))
        expect(fold('minBy', 'v', { first: false })).toBe(list.findLast(({ v }) => v === lowest))
        expect(fold('maxBy', 'v', { first: false })).toBe(list.findLast(({ v }) => v === highest))
      }),
    )
  })
})
