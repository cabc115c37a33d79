import { describe, expect, test } from 'vitest'
import type { Out } from '../../../operators/collector.ts'
import type { DataStream, WindowedStream } from '../../../operators/streams.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import { purgingTrigger } from '../../../operators/window/purging-trigger.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import { slidingEventTimeWindows } from '../../../operators/window/sliding-windows.ts'
import { eventTimeTrigger, neverTrigger } from '../../../operators/window/time-triggers.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import type { WindowAssigner } from '../../../operators/window/window-assigner.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import { operatorHarness } from '../../../testing/operator-harness.ts'
import { ids, type Item } from './window-run.ts'

type Windowed = WindowedStream<Item, string, TimeWindow, true>
type Settings = (windowed: Windowed) => Windowed

const tumbling = tumblingEventTimeWindows(10) as WindowAssigner<Item, TimeWindow>
const sliding = slidingEventTimeWindows(10, 5) as WindowAssigner<Item, TimeWindow>
const sessions = eventTimeSessionWindows(10) as WindowAssigner<Item, TimeWindow>

const kinds: Record<string, { assigner: WindowAssigner<Item, TimeWindow>; settings: Settings }> = {
  'tumbling windows': {
    assigner: tumbling,
    settings: (windowed) => windowed.trigger(eventTimeTrigger()),
  },
  'windows that count': {
    assigner: tumbling,
    settings: (windowed) => windowed.trigger(countTrigger(10)),
  },
  'windows that drop what they have fired': {
    assigner: tumbling,
    settings: (windowed) => windowed.trigger(purgingTrigger(eventTimeTrigger())),
  },
  'windows that never fire': {
    assigner: tumbling,
    settings: (windowed) => windowed.trigger(neverTrigger()),
  },
  'sliding windows': { assigner: sliding, settings: (windowed) => windowed },
  sessions: { assigner: sessions, settings: (windowed) => windowed },
}

const item = (timestamp: number): Item => ({ id: String(timestamp), key: 'a', gap: 1, timestamp })

/** What happened to the windows of a record at 5, and what is left of them once their time has long passed. */
async function acrossRestart(
  { assigner, settings }: (typeof kinds)[string],
  given: { from: number; between: number; to: number; more?: readonly number[] },
) {
  const gone: number[] = []
  const told = windowProcessFunction({
    process: (elements: readonly Item[], ctx, out: Out<string>) =>
      out.emit(`${ctx.window.start}: ${elements.map(({ id }) => id).join('+')}`),
    clear: (ctx) => void gone.push(ctx.window.start),
  })
  const build = (lateness: number) => (items: DataStream<Item>) => {
    const windowed = items.keyBy(({ key }) => key).window(assigner) as Windowed
    return settings(windowed).allowedLateness(lateness).process(told, { uid: 'w' })
  }
  const first = await operatorHarness(build(given.from))
  first.processElement(item(5), 5)
  first.processWatermark(given.between)
  const snapshot = await first.snapshot()
  await first.close()
  // What was gone by then may come back with another record, and goes again.
  const goneBefore = gone.splice(0)
  const second = await operatorHarness(build(given.to), { snapshot })
  for (const timestamp of given.more ?? []) second.processElement(item(timestamp), timestamp)
  second.processWatermark(1_000)
  const left = [second.numKeyedStateEntries, second.numEventTimeTimers]
  const output = second.outputValues()
  await second.close()
  return { output, goneBefore, gone, left }
}

const BETWEEN = [-1, 8, 9, 14, 17, 24, 40, 63, 64]

describe.each(Object.entries(kinds))('%s after a restart', (_name, kind) => {
  test.each([
    [0, 50],
    [50, 0],
    [50, 5],
    [5, 50],
    [7, 7],
  ])(
    'from a lateness of %i to %i are cleaned up, and their function is told once (semantics 2.3)',
    async (from, to) => {
      for (const between of BETWEEN) {
        for (const more of [[], [6]]) {
          const { goneBefore, gone, left } = await acrossRestart(kind, { from, between, to, more })
          expect([between, more, left]).toEqual([between, more, [0, 0]])
          expect([between, more, gone]).toEqual([between, more, [...new Set(gone)]])
          expect(goneBefore.length + gone.length).toBeGreaterThan(0)
        }
      }
    },
  )
})

describe('a lateness that was changed', () => {
  test.each([
    ['tumbling windows', tumbling],
    ['sliding windows', sliding],
    ['sessions', sessions],
  ])(
    'leaves nothing behind of %s that are folded, by whichever operator (semantics 2.3)',
    async (_name, assigner) => {
      const build = (lateness: number) => (items: DataStream<Item>) =>
        (items.keyBy(({ key }) => key).window(assigner) as Windowed)
          .allowedLateness(lateness)
          .aggregate(ids, { uid: 'w' })
      for (const [from, to] of [
        [50, 0],
        [0, 50],
      ] as const) {
        for (const between of BETWEEN) {
          const first = await operatorHarness(build(from))
          first.processElement(item(5), 5)
          first.processWatermark(between)
          const snapshot = await first.snapshot()
          const fired = first.outputValues()
          await first.close()
          const second = await operatorHarness(build(to), { snapshot })
          second.processWatermark(1_000)
          const left = [second.numKeyedStateEntries, second.numEventTimeTimers]
          expect([from, between, left]).toEqual([from, between, [0, 0]])
          const windows = assigner === sliding ? ['5', '5'] : ['5']
          expect([...fired, ...second.outputValues()]).toEqual(windows)
          await second.close()
        }
      }
    },
  )

  test('is refused together with a trigger that is taken away, as no timer may be at the end of its windows (R5)', async () => {
    const build = (settings: Settings) => (items: DataStream<Item>) =>
      settings(items.keyBy(({ key }) => key).window(tumbling) as Windowed).aggregate(ids, {
        uid: 'w',
      })
    const first = await operatorHarness(
      build((windowed) => windowed.trigger(neverTrigger()).allowedLateness(50)),
    )
    first.processElement(item(5), 5)
    const snapshot = await first.snapshot()
    await first.close()
    await expect(
      operatorHarness(
        build((windowed) => windowed),
        { snapshot },
      ),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'MR_STATE_NOT_RESTORED',
        message: expect.stringContaining('"w/tumbling') as string,
      }),
    )
    const same = await operatorHarness(
      build((windowed) => windowed.trigger(eventTimeTrigger())),
      { snapshot },
    )
    await same.close()
  })

  test('is that of records from then on (semantics 2.3)', async () => {
    const given = { between: 12, more: [6] }
    const tumblingKind = kinds['tumbling windows']!
    const higher = await acrossRestart(tumblingKind, { ...given, from: 5, to: 50 })
    expect(higher.output).toEqual(['0: 5+6'])
    const lower = await acrossRestart(tumblingKind, { ...given, from: 50, to: 0 })
    expect(lower.output).toEqual([])
  })

  test('ends sessions that it makes too old, with what they hold (semantics 2.2)', async () => {
    const given = { from: 50, to: 0, between: 40 }
    for (const more of [[6], [5]]) {
      const { output, gone, left } = await acrossRestart(kinds['sessions']!, { ...given, more })
      expect([output, gone, left]).toEqual([[], [5], [0, 0]])
    }
  })
})
