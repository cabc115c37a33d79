import fc from 'fast-check'
import {
  countEvictor,
  countTrigger,
  type DataStream,
  eventTimeSessionWindows,
  globalWindows,
  slidingEventTimeWindows,
  type StatefulOptions,
  type TimeWindow,
  tumblingEventTimeWindows,
  type WindowAssigner,
  type WindowedStream,
} from 'millrace'
import { operatorHarness, verifyOperator } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { modelWindows, type ModelOptions } from '../window/window-model.ts'
import { type Item, runWindows, type Step, steps } from '../window/window-run.ts'

interface Sale {
  readonly shop: string
  readonly id: number
  readonly cents: number
}

const sales: readonly Sale[] = [
  { shop: 'a', id: 1, cents: 5 },
  { shop: 'a', id: 2, cents: 3 },
  { shop: 'b', id: 3, cents: 8 },
  { shop: 'a', id: 4, cents: 5 },
  { shop: 'a', id: 5, cents: 3 },
]

const hourly = (stream: DataStream<Sale>) =>
  stream.keyBy((sale) => sale.shop).window(tumblingEventTimeWindows('1h'))
const uid = { uid: 'of-hour' }
const [a, b] = [{ shop: 'a', id: 1 }, sales[2]!]

type Build = (stream: DataStream<Sale>) => DataStream<unknown>

describe('aggregates over a field of windows (semantics 1.1)', () => {
  it.each<[string, Build, readonly unknown[]]>([
    ['sum', (s) => hourly(s).sum('cents', uid), [{ ...a, cents: 16 }, b]],
    ['min', (s) => hourly(s).min('cents', uid), [{ ...a, cents: 3 }, b]],
    ['max', (s) => hourly(s).max('cents', uid), [{ ...a, cents: 5 }, b]],
    ['minBy', (s) => hourly(s).minBy('cents', uid), [sales[1], b]],
    ['minBy, last', (s) => hourly(s).minBy('cents', { ...uid, first: false }), [sales[4], b]],
    ['maxBy', (s) => hourly(s).maxBy('cents', uid), [sales[0], b]],
    ['maxBy, last', (s) => hourly(s).maxBy('cents', { ...uid, first: false }), [sales[3], b]],
    [
      'topN',
      (s) => hourly(s).topN(3, { ...uid, by: ({ cents }) => cents }),
      [[sales[0], sales[3], sales[1]], [b]],
    ],
    [
      'topN by a comparison',
      (s) => hourly(s).topN(1, { ...uid, compare: (one, other) => other.id - one.id }),
      [[sales[4]], [b]],
    ],
    [
      'sum of what an evictor leaves',
      (s) => hourly(s).evictor(countEvictor(2)).sum('cents', uid),
      [{ ...sales[3], cents: 8 }, b],
    ],
  ])('%s emits one record for each key and window', async (_, build, expected) => {
    const input = sales.map((value) => ({ value, timestamp: 10 }))
    await verifyOperator(build, { input, expected, ordered: false })
  })

  it('topN goes on from its list each time that a window fires, until it is purged', async () => {
    const harness = await operatorHarness((stream: DataStream<Sale>) =>
      stream
        .keyBy((sale) => sale.shop)
        .window(globalWindows())
        .trigger(countTrigger(2))
        .topN(2, { uid: 'top', by: ({ cents }) => cents })
        .map((list) => list.map(({ id }) => id)),
    )
    for (const sale of sales) harness.processElement(sale)
    expect(harness.outputValues()).toEqual([
      [1, 2],
      [1, 4],
    ])
    await harness.close()
  })

  it.each(['sum', 'min', 'max', 'minBy', 'maxBy'] as const)(
    '%s names the field of a record that has none, the first of a window too',
    async (kind) => {
      const harness = await operatorHarness((s: DataStream<Sale>) => hourly(s)[kind]('cents', uid))
      expect(() => harness.processElement({ shop: 'a', id: 1, cents: NaN }, 0)).toThrow(
        expect.objectContaining({
          code: 'MR_AGGREGATE_INVALID',
          message: expect.stringContaining('"cents"'),
          fields: expect.objectContaining({ operator: 'of-hour' }),
        }),
      )
      await harness.close()
    },
  )

  it.each<[string, Build]>([
    ['a field that is no name', (s) => hourly(s).sum(1 as never, uid)],
    ['first that is no choice', (s) => hourly(s).minBy('cents', { ...uid, first: 1 as never })],
    ['lists of no length', (s) => hourly(s).topN(0, { ...uid, by: () => 1 })],
    ['records without a rank', (s) => hourly(s).topN(1, uid as never)],
  ])('refuse %s with the graph', async (_, build) => {
    await expect(operatorHarness(build)).rejects.toMatchObject({ code: 'MR_OPTION_INVALID' })
  })
})

type Assigner = WindowAssigner<unknown, TimeWindow, boolean>

const assigners: Record<string, { assigner: Assigner; assign: ModelOptions['assign'] }> = {
  tumbling: {
    assigner: tumblingEventTimeWindows(20),
    assign: (_item, time) => [[Math.floor(time / 20) * 20, Math.floor(time / 20) * 20 + 20]],
  },
  sliding: {
    assigner: slidingEventTimeWindows(30, 10),
    assign: (_item, time) => {
      const last = Math.floor(time / 10) * 10
      return [last, last - 10, last - 20].map((start) => [start, start + 30])
    },
  },
  session: { assigner: eventTimeSessionWindows(12), assign: (_item, time) => [[time, time + 12]] },
}

type Windowed = WindowedStream<Item, string, TimeWindow, boolean>

const gaps = (items: readonly Item[]): number[] => items.map(({ gap }) => gap)
const extremes = (items: readonly Item[]) => [Math.min(...gaps(items)), Math.max(...gaps(items))]
const firstOf = (items: readonly Item[], gap: number) => items.find((one) => one.gap === gap)!
const lastOf = (items: readonly Item[], gap: number) => items.findLast((one) => one.gap === gap)!

/** What each aggregate makes of the records of a window, in the order in which they came. */
const aggregates: Record<
  string,
  readonly [
    build: (windowed: Windowed, options: StatefulOptions) => DataStream<Item>,
    of: (items: readonly Item[]) => Item,
  ]
> = {
  sum: [
    (windowed, options) => windowed.sum('gap', options),
    (items) => ({ ...items[0]!, gap: gaps(items).reduce((x, y) => x + y) }),
  ],
  min: [
    (windowed, options) => windowed.min('gap', options),
    (items) => ({ ...items[0]!, gap: extremes(items)[0]! }),
  ],
  max: [
    (windowed, options) => windowed.max('gap', options),
    (items) => ({ ...items[0]!, gap: extremes(items)[1]! }),
  ],
  minBy: [
    (windowed, options) => windowed.minBy('gap', options),
    (items) => firstOf(items, extremes(items)[0]!),
  ],
  'minBy, last': [
    (windowed, options) => windowed.minBy('gap', { ...options, first: false }),
    (items) => lastOf(items, extremes(items)[0]!),
  ],
  maxBy: [
    (windowed, options) => windowed.maxBy('gap', options),
    (items) => firstOf(items, extremes(items)[1]!),
  ],
  'maxBy, last': [
    (windowed, options) => windowed.maxBy('gap', { ...options, first: false }),
    (items) => lastOf(items, extremes(items)[1]!),
  ],
}

const long = fc.tuple(steps, steps, steps, steps).map((lists) => lists.flat())

const settings = fc.record({
  name: fc.constantFrom(...Object.keys(assigners)),
  lateness: fc.constantFrom(0, 25, 200),
})

/** The records of each window that fires, step by step, as plain arrays have it. */
function firings(list: readonly Step[], name: string, lateness: number): Item[][][] {
  const { assigner, assign } = assigners[name]!
  const { output } = modelWindows(list, {
    isEventTime: true,
    assign,
    isMerging: assigner.isMerging,
    lateness,
  })
  return output.map((rows) =>
    rows.map((row) =>
      row
        .split(' ')[2]!
        .split('+')
        .map((id) => ({ ...(list[Number(id)] as Omit<Item, 'id'>), id })),
    ),
  )
}

const sorted = (rows: readonly string[]): string[] => rows.toSorted()

describe('aggregates over a field of windows, random streams', () => {
  it('come to what arrays of the records do (semantics 2.1, 2.2, 2.3)', async () => {
    await fc.assert(
      fc.asyncProperty(long, settings, async (list, { name, lateness }) => {
        // Where windows are put together of parts, which record is the first is not told by arrival.
        const shown = (aggregate: string) => (item: Item) =>
          `${aggregate} ${item.key} ${item.gap} ${name === 'tumbling' ? item.id : ''}`
        const { output } = await runWindows((keyed) => {
          const all = Object.entries(aggregates).map(([aggregate, [build]], index) => {
            const windowed = keyed.window(assigners[name]!.assigner).allowedLateness(lateness)
            return build(windowed, { uid: `aggregate-${index}` }).map(shown(aggregate))
          })
          return all[0]!.union(...all.slice(1))
        }, list)
        const expected = firings(list, name, lateness).map((windows) =>
          Object.entries(aggregates).flatMap(([aggregate, [, of]]) =>
            windows.map((items) => shown(aggregate)(of(items))),
          ),
        )
        expect(output.map(sorted)).toEqual(expected.map(sorted))
      }),
      { numRuns: 40 },
    )
  })

  it('topN keeps what sorting the records of a window keeps (semantics 2.1, 2.2, 2.3)', async () => {
    await fc.assert(
      fc.asyncProperty(
        long,
        settings,
        fc.integer({ min: 1, max: 4 }),
        async (list, { name, lateness }, n) => {
          const shown = (items: readonly Item[]) =>
            JSON.stringify(name === 'tumbling' ? items.map(({ id }) => id) : gaps(items))
          const { output } = await runWindows(
            (keyed) =>
              keyed
                .window(assigners[name]!.assigner)
                .allowedLateness(lateness)
                .topN(n, { uid: 'top', by: ({ gap }) => gap })
                .map(shown),
            list,
          )
          const expected = firings(list, name, lateness).map((rows) =>
            rows.map((items) => shown(items.toSorted((x, y) => y.gap - x.gap).slice(0, n))),
          )
          expect(output.map(sorted)).toEqual(expected.map(sorted))
        },
      ),
      { numRuns: 50 },
    )
  })
})
