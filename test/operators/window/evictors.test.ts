import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Out } from '../../../operators/collector.ts'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import {
  countEvictor,
  deltaEvictor,
  type Evictor,
  timeEvictor,
} from '../../../operators/window/evictor.ts'
import { globalWindows } from '../../../operators/window/global-windows.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import type { GlobalWindow, Window } from '../../../operators/window/time-window.ts'
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import { ids, type Item, named, runWindows, type Step, steps } from './window-run.ts'

type Keyed = KeyedStream<Item, string>

const at = (timestamp: number): Step => ({ key: 'a', timestamp, gap: 10 })
const watermark = (time: number): Step => ({ watermark: time })

const listed = windowProcessFunction<Item, string, {}, {}, string, GlobalWindow>({
  process(elements, ctx, out: Out<string>) {
    out.emit(`${ctx.key} ${elements.map(({ id }) => id).join('+')}`)
  },
})

/** The global window that fires every so many records. */
const global =
  (evictor: Evictor<Item>, every = 1) =>
  (keyed: Keyed): DataStream<string> =>
    keyed
      .window(globalWindows())
      .trigger(countTrigger(every))
      .evictor(evictor)
      .process(listed, { uid: 'windows' })

const rows = async (
  build: (keyed: Keyed) => DataStream<string>,
  given: readonly Step[],
): Promise<string[]> => (await runWindows(build, given)).output.flat()

const byTime = (a: Item, b: Item): number => b.timestamp - a.timestamp

const drawn = fc.record({
  every: fc.integer({ min: 1, max: 4 }),
  count: fc.integer({ min: 1, max: 6 }),
  span: fc.integer({ min: 1, max: 60 }),
  after: fc.boolean(),
})
interface Drawn {
  readonly every: number
  readonly count: number
  readonly span: number
  readonly after: boolean
}

/** Each evictor with what it leaves of some records, by looking at all of them. */
const evictors: Record<
  string,
  (drawn: Drawn) => { evictor: Evictor<Item>; left: (all: Item[]) => Item[] }
> = {
  countEvictor: ({ count, after }) => ({
    evictor: countEvictor(count, { after }),
    left: (all) => all.filter((_item, index) => all.length - index <= count),
  }),
  timeEvictor: ({ span, after }) => ({
    evictor: timeEvictor(span, { after }),
    left: (all) =>
      all.filter(({ timestamp }) => all.every((other) => other.timestamp - span < timestamp)),
  }),
  deltaEvictor: ({ span, after }) => ({
    evictor: deltaEvictor(span, byTime, { after }),
    left: (all) => all.filter((item) => byTime(item, all[all.length - 1]!) < span),
  }),
}

describe('evictors leave what a model with plain arrays leaves', () => {
  test.each(Object.entries(evictors))('%s, before and after (semantics 2.4)', async (_name, of) => {
    const property = fc.asyncProperty(drawn, steps, async (numbers, given) => {
      const { evictor, left } = of(numbers)
      const { every, after } = numbers
      const contents: Record<string, Item[]> = { a: [], b: [] }
      const counts: Record<string, number> = { a: 0, b: 0 }
      const expected = given.flatMap((step, index) => {
        if (!('key' in step)) return []
        const { key } = step
        contents[key]!.push({ ...step, id: String(index) })
        if (++counts[key]! % every !== 0) return []
        if (!after) contents[key] = left(contents[key]!)
        const seen = contents[key]!.map(({ id }) => id).join('+')
        if (after) contents[key] = left(contents[key]!)
        return [`${key} ${seen}`]
      })
      expect(await rows(global(evictor, every), given)).toEqual(expected)
    })
    await fc.assert(property, { numRuns: 50 })
  })
})

describe('timeEvictor (semantics 2.4)', () => {
  test('drops a record whose timestamp is exactly the span before the highest', async () => {
    const given = [at(0), at(1), at(10)]
    expect(await rows(global(timeEvictor(10), 3), given)).toEqual(['a 1+2'])
  })

  test('keeps all records where the first has no timestamp', () => {
    const elements = [-Infinity, 0, 100].map((timestamp) => ({ value: 1, timestamp }))
    const window = { maxTimestamp: Infinity }
    expect(timeEvictor(10).evictBefore!(elements, window)).toEqual(elements)
    expect(timeEvictor(10).evictBefore!(elements.slice(1), window)).toEqual(elements.slice(2))
    const later = [elements[1]!, elements[0]!, elements[2]!]
    expect(timeEvictor(10).evictBefore!(later, window)).toEqual([elements[2]])
  })
})

describe('deltaEvictor (semantics 2.4)', () => {
  test('drops a record exactly the threshold from the last one, which may be itself', async () => {
    expect(await rows(global(deltaEvictor(10, byTime), 3), [at(0), at(1), at(10)])).toEqual([
      'a 1+2',
    ])
    expect(await rows(global(deltaEvictor(0, byTime), 2), [at(0), at(1)])).toEqual([])
  })
})

describe('windows with an evictor (semantics 2.3)', () => {
  const dropping = (
    what: 'evictBefore' | 'evictAfter',
    of: (index: number) => boolean,
  ): Evictor => ({
    [what]: <E>(elements: readonly E[]) => elements.filter((_element, index) => of(index)),
  })

  test('keep what is left for the next time that they fire', async () => {
    const given = [at(0), at(1), at(2)]
    const afterwards = dropping('evictAfter', (index) => index !== 0)
    expect(await rows(global(afterwards), given)).toEqual(['a 0', 'a 1', 'a 2'])
  })

  test('emit nothing where nothing is left, and do not ask for more to be dropped', async () => {
    const asked: number[] = []
    const all: Evictor = {
      evictBefore: () => [],
      evictAfter: (elements) => {
        asked.push(elements.length)
        return elements
      },
    }
    expect(await rows(global(all), [at(0), at(1)])).toEqual([])
    expect(asked).toEqual([])
  })

  test.each([
    ['evictBefore', undefined, 'MR_WINDOW_INVALID'],
    ['evictAfter', 1, 'MR_WINDOW_INVALID'],
    ['evictBefore', Promise.resolve([]), 'MR_FUNCTION_ASYNC'],
  ])('refuse one whose %s returns %s', async (method, given, code) => {
    const evictor = { [method]: () => given } as Evictor
    await expect(rows(global(evictor), [at(0)])).rejects.toMatchObject({ code })
  })

  test('reduce and aggregate what is left, each time anew', async () => {
    const windowed = (keyed: Keyed) =>
      keyed.window(globalWindows()).trigger(countTrigger(2)).evictor(countEvictor(3))
    const given = [at(0), at(1), at(2), at(3)]
    const aggregated = (keyed: Keyed) => windowed(keyed).aggregate(ids, { uid: 'windows' })
    expect(await rows(aggregated, given)).toEqual(['0+1', '1+2+3'])
    const reduced = (keyed: Keyed) =>
      windowed(keyed)
        .reduce((a, b) => ({ ...b, id: `${a.id}+${b.id}` }), { uid: 'windows' })
        .map(({ id }) => id)
    expect(await rows(reduced, given)).toEqual(['0+1', '1+2+3'])
  })

  test('tell the evictor which window it is, and drop nothing of late records for good but by it', async () => {
    const windows: Window[] = []
    const telling: Evictor = {
      evictBefore(elements, window) {
        windows.push(window)
        return elements.slice(-2)
      },
    }
    const build = (keyed: Keyed) =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .allowedLateness(20)
        .evictor(telling)
        .aggregate(ids, named, { uid: 'windows' })
    const given = [at(1), at(2), at(3), watermark(9), at(4), watermark(29)]
    const { output, entriesLeft } = await runWindows(build, given)
    expect(output.flat()).toEqual(['a [0,10) 1+2', 'a [0,10) 2+4'])
    const window = { start: 0, end: 10, maxTimestamp: 9 }
    expect(windows).toEqual([window, window])
    expect(entriesLeft).toBe(0)
  })

  test('may merge, even where the aggregate cannot: records are put together (semantics 2.2)', async () => {
    const { merge: _merge, ...cannotMerge } = ids
    const build = (keyed: Keyed) =>
      keyed
        .window(eventTimeSessionWindows<Item>(10))
        .evictor(countEvictor(3))
        .aggregate(cannotMerge as typeof ids, named, { uid: 'windows' })
    const given = [at(0), at(20), at(21), at(10), watermark(100)]
    const { output, entriesLeft } = await runWindows(build, given)
    expect([output.flat(), entriesLeft]).toEqual([['a [0,31) 1+2+3'], 0])
  })
})
