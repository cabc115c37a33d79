import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Out } from '../../../operators/collector.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { DataStream, KeyedStream, WindowedStream } from '../../../operators/streams.ts'
import type { MergingAggregateFunction } from '../../../operators/window/aggregate-function.ts'
import { AggregateFold } from '../../../operators/window/fold.ts'
import { countEvictor } from '../../../operators/window/evictor.ts'
import {
  slidingEventTimeWindows,
  slidingProcessingTimeWindows,
} from '../../../operators/window/sliding-windows.ts'
import { eventTimeTrigger, processingTimeTrigger } from '../../../operators/window/time-triggers.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import { windowSpec } from '../../../operators/window/window-spec.ts'
import { valueState } from '../../../runtime/state/state.ts'
import { operatorHarness } from '../../../testing/operator-harness.ts'
import { OperatorDriver } from '../operator-driver.ts'
import {
  byKey,
  ids,
  type Item,
  named,
  numbered,
  runWindows,
  type Step,
  steps,
  type WindowResult,
} from './window-run.ts'

type Keyed = KeyedStream<Item, string>
type Windowed = WindowedStream<Item, string, TimeWindow, false>
type End = (windowed: Windowed) => DataStream<string>

const inOrder = (all: readonly string[]): string[] => all.toSorted((a, b) => Number(a) - Number(b))

/** Panes put records together in the order of panes, which the merge of a user must not care for. */
const anyOrder: MergingAggregateFunction<Item, string[], string> = {
  ...ids,
  result: (all) => inOrder(all).join('+'),
}

/** Rows of one step in the order of their windows, for each key; between keys there is none. */
const comparable = ({ output }: WindowResult): string[][] => output.map(byKey)

const ends: Record<string, End> = {
  'aggregate with a window function': (windowed) =>
    windowed.aggregate(anyOrder, named, { uid: 'windows' }),
  'aggregate alone': (windowed) =>
    windowed.aggregate(
      // The rows of both keys are told apart by the key that is put in front of each id.
      {
        ...anyOrder,
        add: (all, { key, id }) => [...all, `${key}${id}`],
        result: (all) => all.toSorted().join('+'),
      },
      { uid: 'windows' },
    ),
  'reduce with a window function': (windowed) =>
    windowed.reduce(
      (a, b) => ({ ...a, id: inOrder([...a.id.split('+'), ...b.id.split('+')]).join('+') }),
      ({ id }, ctx, out: Out<string>) => named(id, ctx, out),
      { uid: 'windows' },
    ),
  'aggregate with a function that keeps states of the key': (windowed) =>
    windowed.aggregate(anyOrder, numbered, { uid: 'windows' }),
}

const shapes = fc
  .record({
    slide: fc.integer({ min: 1, max: 30 }),
    more: fc.integer({ min: 1, max: 50 }),
    shift: fc.double({ min: -1, max: 1, noNaN: true }),
    lateness: fc.constantFrom(0, 0, 3, 25, 200, Number.MAX_SAFE_INTEGER),
  })
  .map(({ slide, more, shift, lateness }) => ({
    size: slide + more,
    slide,
    offset: Math.trunc(shift * (slide - 1)),
    lateness,
  }))

describe('sliding windows in panes emit what they emit without', () => {
  test.each(Object.entries(ends))('%s, in event time (R42, semantics 2.3)', async (name, end) => {
    const property = fc.asyncProperty(shapes, steps, async (shape, given) => {
      const { size, slide, offset, lateness } = shape
      const windowed = (keyed: Keyed): Windowed =>
        keyed.window(slidingEventTimeWindows(size, slide, { offset })).allowedLateness(lateness)
      const inPanes = await runWindows((keyed) => end(windowed(keyed)), given)
      // A trigger of the user's is never left out, be it the default one.
      const plain = await runWindows(
        (keyed) => end(windowed(keyed).trigger(eventTimeTrigger())),
        given,
      )
      expect(comparable(inPanes)).toEqual(comparable(plain))
      expect([inPanes.dropped, inPanes.late]).toEqual([plain.dropped, plain.late])
      expect(inPanes.eventTimersLeft).toBe(0)
      if (lateness < 1_000 && !name.includes('states')) expect(inPanes.entriesLeft).toBe(0)
    })
    await fc.assert(property, { numRuns: 50 })
  })

  test.each(Object.entries(ends))(
    '%s, in processing time, which the end of input does not wait for (R42, semantics 1.1, 2.3)',
    async (name, end) => {
      const drawn = [shapes, steps, fc.boolean()] as const
      const property = fc.asyncProperty(...drawn, async (shape, given, isWaited) => {
        const { size, slide, offset } = shape
        const windowed = (keyed: Keyed): Windowed =>
          keyed.window(slidingProcessingTimeWindows(size, slide, { offset }))
        const through = isWaited ? [...given, { advance: size + 1 }] : given
        const inPanes = await runWindows((keyed) => end(windowed(keyed)), through)
        const plain = await runWindows(
          (keyed) => end(windowed(keyed).trigger(processingTimeTrigger())),
          through,
        )
        expect(comparable(inPanes)).toEqual(comparable(plain))
        expect([inPanes.eventTimersLeft, inPanes.processingTimersLeft]).toEqual([0, 0])
        if (!name.includes('states')) expect(inPanes.entriesLeft).toBe(0)
      })
      await fc.assert(property, { numRuns: 40 })
    },
  )
})

/** How often `add` is called for each of 20 records in one pane. */
async function addsPerRecord(end: (keyed: Keyed, aggregate: typeof ids) => DataStream<unknown>) {
  let adds = 0
  const counting = {
    ...ids,
    add: (all: string[], item: Item) => {
      adds++
      return ids.add(all, item)
    },
  }
  const given = Array.from({ length: 20 }, (): Step => ({ key: 'a', timestamp: 60, gap: 1 }))
  await runWindows((keyed) => end(keyed, counting).map(String), given)
  return adds / given.length
}

const sliding = (keyed: Keyed) => keyed.window(slidingEventTimeWindows(60, 10))

describe('panes are used', () => {
  test('where nobody can tell: each record is added once, whatever size and slide (R42)', async () => {
    const once = [
      addsPerRecord((keyed, adding) => sliding(keyed).aggregate(adding, { uid: 'w' })),
      addsPerRecord((keyed, adding) =>
        keyed.window(slidingEventTimeWindows(61, 1)).aggregate(adding, { uid: 'w' }),
      ),
      addsPerRecord((keyed, adding) =>
        keyed.window(slidingEventTimeWindows(60, 59)).aggregate(adding, { uid: 'w' }),
      ),
      addsPerRecord((keyed, adding) =>
        sliding(keyed).allowedLateness(5).aggregate(adding, { uid: 'w' }),
      ),
    ]
    expect(await Promise.all(once)).toEqual([1, 1, 1, 1])
  })

  const noting = windowProcessFunction({
    windowState: { fired: valueState<number>() },
    process: (results: readonly string[], _ctx, out: Out<string>) => out.emit(String(results)),
  })
  const toldOfEnds = windowProcessFunction({
    process: (results: readonly string[], _ctx, out: Out<string>) => out.emit(String(results)),
    clear() {},
  })
  const { merge: _merge, ...withoutMerge } = ids

  test.each<[string, (keyed: Keyed, adding: typeof ids) => DataStream<unknown>]>([
    [
      'a trigger',
      (keyed, adding) => sliding(keyed).trigger(eventTimeTrigger()).aggregate(adding, { uid: 'w' }),
    ],
    [
      'an evictor',
      (keyed, adding) => sliding(keyed).evictor(countEvictor(100)).aggregate(adding, { uid: 'w' }),
    ],
    [
      'a late side output',
      (keyed, adding) =>
        sliding(keyed).sideOutputLateData(outputTag<Item>('l')).aggregate(adding, { uid: 'w' }),
    ],
    [
      'lateFiring',
      (keyed, adding) =>
        sliding(keyed)
          .allowedLateness(5)
          .lateFiring({ atMostEvery: 5 })
          .aggregate(adding, { uid: 'w' }),
    ],
    [
      'an aggregate without merge',
      (keyed, { add }) => sliding(keyed).aggregate({ ...withoutMerge, add }, { uid: 'w' }),
    ],
    ['windowState', (keyed, adding) => sliding(keyed).aggregate(adding, noting, { uid: 'w' })],
    [
      'a function that is told of the end of windows',
      (keyed, adding) => sliding(keyed).aggregate(adding, toldOfEnds, { uid: 'w' }),
    ],
  ])('not with %s (R42)', async (_what, end) => {
    expect(await addsPerRecord(end)).toBe(6)
  })

  test('and keep one accumulator a pane, a list of them and one timer a key', async () => {
    const harness = await operatorHarness((items: DataStream<Item>) =>
      sliding(items.keyBy(({ key }) => key)).aggregate(ids, { uid: 'w' }),
    )
    const push = (timestamp: number): void =>
      harness.processElement({ id: '1', key: 'a', gap: 1, timestamp }, timestamp)
    for (const timestamp of [0, 1, 2, 9, 3]) push(timestamp)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([2, 1])
    push(10)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([3, 2])
    harness.processWatermark(10)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([3, 1])
    harness.processWatermark(59)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([2, 1])
    harness.processWatermark(69)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([0, 0])
    await harness.close()
  })
})

describe('panes after the job has been changed', () => {
  const build = (size: number, slide: number, lateness: number) => (items: DataStream<Item>) =>
    items
      .keyBy(({ key }) => key)
      .window(slidingEventTimeWindows(size, slide))
      .allowedLateness(lateness)
      .aggregate(anyOrder, named, { uid: 'w' })
  const item = (timestamp: number): Item => ({ id: String(timestamp), key: 'a', gap: 1, timestamp })

  /** Records at 5 and 15 go into `before`, then the watermark `between`; `after` goes on from there to the end. */
  async function changed(
    before: ReturnType<typeof build>,
    between: number,
    after: ReturnType<typeof build>,
  ) {
    const first = await operatorHarness(before)
    first.processElement(item(5), 5)
    first.processElement(item(15), 15)
    first.processWatermark(between)
    const snapshot = await first.snapshot()
    await first.close()
    const second = await operatorHarness(after, { snapshot })
    second.processElement(item(16), 16)
    second.processWatermark(1_000)
    const left = [second.numKeyedStateEntries, second.numEventTimeTimers]
    await second.close()
    return { output: second.outputValues(), left }
  }

  test.each([
    [0, 50],
    [50, 0],
    [50, 5],
    [5, 50],
  ])('from a lateness of %i to %i, nothing is left behind', async (from, to) => {
    for (const between of [8, 9, 19, 24, 29, 33, 40]) {
      const { output, left } = await changed(build(20, 10, from), between, build(20, 10, to))
      if (between < 10) expect(output.slice(-2)).toEqual(['a [0,20) 5+15+16', 'a [10,30) 15+16'])
      expect(left).toEqual([0, 0])
    }
  })

  test('timers of windows that began at other times do nothing', () => {
    const spec = windowSpec(
      { assigner: slidingEventTimeWindows(20, 8) },
      { fold: new AggregateFold(anyOrder as never), firing: undefined },
    )
    const driver = new OperatorDriver(spec)
    driver.element(item(9), 9, 'a')
    for (const [start, timestamp] of [
      [10, 29],
      [0, 18],
      [0, 12],
    ] as const) {
      driver.keyed.setCurrent('a', start)
      driver.operator.onEventTime!(timestamp)
      expect(driver.output).toEqual([])
    }
    driver.advance(100)
    expect(driver.output).toEqual([
      ['9', 11],
      ['9', 19],
      ['9', 27],
    ])
    expect(driver.keyed.cells.size).toBe(0)
  })
})
