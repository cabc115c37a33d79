import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Out } from '../../../operators/collector.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { DataStream, KeyedStream, WindowedStream } from '../../../operators/streams.ts'
import { AggregateFold } from '../../../operators/window/fold.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import { eventTimeTrigger } from '../../../operators/window/time-triggers.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import type { WindowFunction } from '../../../operators/window/window-function.ts'
import { windowSpec } from '../../../operators/window/window-spec.ts'
import { operatorHarness } from '../../../testing/operator-harness.ts'
import { OperatorDriver } from '../operator-driver.ts'
import { byKey, ids, type Item, named, numbered, rowText } from './window-run.ts'

type Keyed = KeyedStream<Item, string>
type Windowed = WindowedStream<Item, string, TimeWindow, true>
type End = (windowed: Windowed) => DataStream<string>
type Step =
  | { readonly key: string; readonly timestamp: number; readonly gap: number }
  | { readonly watermark: number }
  | { readonly restoreAt: number }

const ends: Record<string, End> = {
  'aggregate with a window function': (windowed) =>
    windowed.aggregate(ids, named, { uid: 'windows' }),
  'reduce with a window function': (windowed) =>
    windowed.reduce(
      (a, b) => ({ ...a, id: `(${a.id}+${b.id})` }),
      ({ id }, ctx, out: Out<string>) => named(id, ctx, out),
      { uid: 'windows' },
    ),
  'aggregate with a function that keeps states of the key': (windowed) =>
    windowed.aggregate(ids, numbered, { uid: 'windows' }),
}

interface Span {
  readonly span: number
  /** The highest one. */
  readonly gap: number
  /** How many, for 60 records. */
  readonly watermarks: number
  readonly upTo: number
}

/** Steps within a span of time: the longer it is, the more sessions are open at once. */
function steps({ span, gap, watermarks, upTo }: Span): fc.Arbitrary<Step[]> {
  return fc.array(
    fc.oneof(
      {
        weight: 60,
        arbitrary: fc.record({
          key: fc.constantFrom('a', 'a', 'b', 'c'),
          timestamp: fc.integer({ min: -40, max: span }),
          gap: fc.integer({ min: 1, max: gap }),
        }),
      },
      {
        weight: watermarks,
        arbitrary: fc.record({ watermark: fc.integer({ min: -50, max: upTo }) }),
      },
      { weight: 2, arbitrary: fc.record({ restoreAt: fc.constantFrom(1, 1, 2) }) },
    ),
    { minLength: 20, maxLength: 120, size: 'max' },
  )
}

interface Run {
  /** One list for each step, and one for the end of input. */
  readonly output: readonly (readonly string[])[]
  readonly dropped: number
  readonly left: readonly number[]
  /** Timers, wherever that was looked at. */
  readonly timers: readonly number[]
}

/** Runs steps in the harness, strict, with the real state, going on from snapshots where they say so. */
async function run(
  build: (keyed: Keyed) => DataStream<string>,
  given: readonly Step[],
): Promise<Run> {
  let harness = await operatorHarness((items: DataStream<Item>) =>
    build(items.keyBy((item) => item.key)),
  )
  const output: string[][] = []
  const timers: number[] = []
  let dropped = 0
  let seen = 0
  const collect = (): void => {
    const all = harness.outputValues()
    output.push(all.slice(seen))
    seen = all.length
    timers.push(harness.numEventTimeTimers)
  }
  for (const [index, step] of given.entries()) {
    if ('watermark' in step) harness.processWatermark(step.watermark)
    else if ('restoreAt' in step) {
      dropped += harness.counter('numLateRecordsDropped')
      const snapshot = await harness.snapshot()
      harness = await harness.restore(snapshot, { parallelism: step.restoreAt })
      seen = 0
    } else harness.processElement({ ...step, id: String(index) }, step.timestamp)
    collect()
  }
  harness.endInput()
  collect()
  dropped += harness.counter('numLateRecordsDropped')
  const left = [harness.numKeyedStateEntries, harness.numEventTimeTimers]
  await harness.close()
  return { output, dropped, left, timers }
}

/** The ends of the windows of rows: their order is that of time, also between keys. */
const endsOf = (rows: readonly string[]): string[] => rows.map((row) => /,(-?\d+)\)/.exec(row)![1]!)

const shapes = fc.record({
  gap: fc.integer({ min: 1, max: 12 }),
  isDynamic: fc.boolean(),
  lateness: fc.constantFrom(0, 0, 0, 3, 25, 200, Number.MAX_SAFE_INTEGER),
})

describe('the operator of sessions emits what that of all windows emits, step by step and in order of time', () => {
  const spans = [
    { what: 'few sessions', span: 110, gap: 20, watermarks: 15, upTo: 130 },
    { what: 'many sessions', span: 350, gap: 5, watermarks: 8, upTo: 100 },
    { what: 'many sessions that come and go', span: 500, gap: 9, watermarks: 6, upTo: 510 },
  ]
  const all = Object.entries(ends).flatMap(([name, end]) =>
    spans.map((given) => [given.what, name, end, given] as const),
  )
  test.each(all)(
    '%s: %s, through restores at another parallelism (semantics 2.2, 2.3)',
    async (_what, name, end, span) => {
      const property = fc.asyncProperty(shapes, steps(span), async (shape, given) => {
        const gap = shape.isDynamic ? (item: Item) => item.gap : Math.min(shape.gap, span.gap)
        const windowed = (keyed: Keyed): Windowed =>
          keyed
            .window(eventTimeSessionWindows<Item>(gap))
            .allowedLateness(shape.lateness) as Windowed
        const own = await run((keyed) => end(windowed(keyed)), given)
        // A trigger of the user's is never left out, be it the default one.
        const plain = await run((keyed) => end(windowed(keyed).trigger(eventTimeTrigger())), given)
        expect(own.output.map(byKey)).toEqual(plain.output.map(byKey))
        expect(own.output.map(endsOf)).toEqual(plain.output.map(endsOf))
        expect(own.dropped).toBe(plain.dropped)
        // One timer for each key that has sessions, however many.
        for (const timers of own.timers) expect(timers).toBeLessThanOrEqual(3)
        if (shape.lateness === Number.MAX_SAFE_INTEGER) return
        const ofKeys = name.includes('states of the key') ? plain.left[0]! : 0
        expect(own.left).toEqual([ofKeys, 0])
      })
      await fc.assert(property, { numRuns: 20 })
    },
  )
})

/** An aggregate whose accumulators are as good as none: what counts is how often the state is looked at. */
const counting = new AggregateFold({
  create: () => 0,
  add: (count: number) => count + 1,
  result: (count: number) => count,
  merge: (a: number, b: number) => a + b,
} as never)

const counted: WindowFunction<number, string, string> = (count, { key, window }, out) =>
  out.emit(rowText(key, window, String(count)))

function driver(firing = counted): OperatorDriver {
  const assigner = eventTimeSessionWindows(10)
  return new OperatorDriver(windowSpec({ assigner }, { fold: counting, firing: firing as never }))
}

describe('a record in sessions', () => {
  test('reads one value and writes it, and touches no timer while its session goes on (semantics 2.2)', () => {
    const sessions = driver().element('', 0, 'x')
    const { keyed } = sessions
    const [timer] = keyed.eventTimers.keys()
    keyed.reads = 0
    keyed.writes = 0
    for (let timestamp = 1; timestamp <= 1_000; timestamp++) sessions.element('', timestamp, 'x')
    expect([keyed.reads, keyed.writes]).toEqual([1_000, 1_000])
    expect([...keyed.eventTimers.keys()]).toEqual([timer])
    sessions.advance(500)
    expect(sessions.output).toEqual([])
    sessions.advance(1_009)
    expect(sessions.output).toEqual([['x [0,1010) 1001', 1_009]])
    expect([keyed.cells.size, keyed.eventTimers.size]).toEqual([0, 0])
  })

  test('reads and writes a few short values, however many sessions of its key are open (R23)', () => {
    for (const open of [1, 8, 9, 100, 3_000]) {
      const sessions = driver()
      const { keyed } = sessions
      const spot = (i: number): number => ((i * 7_919) % open) * 30
      for (let i = 0; i < open; i++) sessions.element('', spot(i), 'x')
      keyed.reads = 0
      keyed.writes = 0
      keyed.longest = 0
      const records = 300
      for (let i = 0; i < records; i++) sessions.element('', spot(i) + 1 + (i % 3), 'x')
      expect([open, keyed.reads <= 10 * records, keyed.writes <= 2 * records]).toEqual([
        open,
        true,
        true,
      ])
      // What has been written is never more than a run of sessions, or the few of a key.
      expect([open, keyed.longest <= 64 * 3]).toEqual([open, true])
      expect([open, keyed.eventTimers.size]).toEqual([open, 1])
    }
  })

  test('that opens a session before all others moves the timer of the key (semantics 2.3)', () => {
    for (const others of [1, 20]) {
      const sessions = driver()
      for (let i = 0; i < others; i++) sessions.element('', 1_000 + i * 30, 'x')
      sessions.element('', 0, 'x')
      expect(sessions.keyed.eventTimers.size).toBe(1)
      sessions.advance(9)
      expect(sessions.output).toEqual([['x [0,10) 1', 9]])
    }
  })
})

describe('sessions of a key', () => {
  test('that are few again after they were many are one value again', () => {
    const sessions = driver()
    for (let i = 0; i < 20; i++) sessions.element('', i * 30, 'x')
    expect(sessions.keyed.cells.size).toBeGreaterThan(20)
    sessions.advance(16 * 30 - 1)
    expect(sessions.output).toHaveLength(16)
    expect(sessions.keyed.cells.size).toBe(1)
    sessions.advance(Infinity)
    expect(sessions.output).toHaveLength(20)
    expect(sessions.keyed.cells.size).toBe(0)
  })

  test('end within one advance of the watermark in the order of their ends, between those of other keys (semantics 2.5)', () => {
    const sessions = driver()
    for (const timestamp of [0, 30, 60]) {
      sessions.element('', timestamp, 'x').element('', timestamp + 15, 'y')
    }
    // Longer than the timer of the key says by now.
    sessions.element('', 3, 'x')
    sessions.advance(100)
    expect(sessions.output.map(([, timestamp]) => timestamp)).toEqual([12, 24, 39, 54, 69, 84])
  })

  test('take nothing of a record that is too late, be they few or many (semantics 2.3)', () => {
    for (const others of [1, 20]) {
      const sessions = driver()
      for (let i = 0; i < others; i++) sessions.element('', 1_000 + i * 30, 'x')
      sessions.advance(9)
      sessions.element('', 0, 'x').element('', 8, 'x').advance(17)
      expect(sessions.output).toEqual([['x [8,18) 1', 17]])
      expect(sessions.counters).toEqual({ numLateRecordsDropped: 1 })
    }
  })

  test('a timer of other windows ends none (R5)', () => {
    const sessions = driver().element('', 0, 'x').element('', 5, 'x')
    for (const namespace of [[0, 10], 0, undefined]) {
      sessions.keyed.setCurrent('x', namespace)
      sessions.keyed.timers.registerEventTime(7)
    }
    sessions.advance(13)
    expect(sessions.output).toEqual([])
    sessions.advance(14)
    expect(sessions.output).toEqual([['x [0,15) 2', 14]])
  })

  test('a record without a timestamp, or with one at the end of all numbers, fails (semantics 2.1)', () => {
    expect(() => driver().element('', -Infinity, 'x')).toThrow(
      expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' }),
    )
    expect(() => driver().element('', Number.MAX_SAFE_INTEGER - 5, 'x')).toThrow(
      expect.objectContaining({ code: 'MR_WINDOW_INVALID' }),
    )
  })

  test('messages name the session whose function throws (R39)', () => {
    const sessions = driver(() => {
      throw new Error('bad')
    }).element('', 11, 'x')
    expect(sessions.operator.describeCurrent?.()).toBeUndefined()
    expect(() => sessions.advance(20)).toThrow('bad')
    expect(sessions.operator.describeCurrent?.()).toBe('window [11, 21)')
  })
})

test('what looks at single sessions has a state of another name, so none is taken for the other (R5)', () => {
  const assigner = eventTimeSessionWindows(10)
  const work = { fold: counting, firing: undefined }
  const names = (settings: Partial<Parameters<typeof windowSpec>[0]>): string[] =>
    windowSpec({ assigner, ...settings }, work).states!.map(({ name }) => name)
  const own = names({})
  expect(names({ allowedLatenessMs: 5 })).toEqual(own)
  for (const settings of [
    { trigger: eventTimeTrigger() },
    { lateTag: outputTag<unknown>('late') },
  ]) {
    expect(names(settings).filter((name) => own.includes(name))).toEqual([])
  }
})
