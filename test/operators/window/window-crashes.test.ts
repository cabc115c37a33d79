import { describe, expect, test } from 'vitest'
import { collectionSink } from '../../../connectors/collection-sink.ts'
import { at, collectionSource, pause } from '../../../connectors/collection-source.ts'
import type { Out } from '../../../operators/collector.ts'
import { job } from '../../../operators/job.ts'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import { boundedOutOfOrderness } from '../../../operators/watermarks.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import { countEvictor } from '../../../operators/window/evictor.ts'
import { globalWindows } from '../../../operators/window/global-windows.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import { slidingEventTimeWindows } from '../../../operators/window/sliding-windows.ts'
import { eventTimeTrigger } from '../../../operators/window/time-triggers.ts'
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import type { JobModule } from '../../../runtime/job/job-module.ts'
import { SeededRandom } from '../../../runtime/clock.ts'
import { valueState } from '../../../runtime/state/state.ts'
import { testJob } from '../../../testing/test-job.ts'
import type { HarnessInput } from '../../../testing/verify-input.ts'
import { verifyOperator } from '../../../testing/verify-operator.ts'
import { ids, type Item, named } from './window-run.ts'

type Keyed = KeyedStream<Item, string>

const numbered = windowProcessFunction({
  globalState: { windows: valueState<number>() },
  process(elements: readonly Item[], ctx, out: Out<string>) {
    const count = (ctx.globalState.windows.value() ?? 0) + 1
    ctx.globalState.windows.update(count)
    out.emit(`${ctx.key} #${count}: ${elements.map(({ id }) => id).join('+')}`)
  },
})

const fired = windowProcessFunction({
  windowState: { fired: valueState<number>() },
  process(elements: readonly Item[], ctx, out: Out<string>) {
    const count = (ctx.windowState.fired.value() ?? 0) + 1
    ctx.windowState.fired.update(count)
    out.emit(`${ctx.key} ${ctx.window.start} fired ${count}: ${elements.length}`)
  },
})

const windows: Record<string, (keyed: Keyed) => DataStream<string>> = {
  'tumbling windows': (keyed) =>
    keyed.window(tumblingEventTimeWindows(20)).aggregate(ids, named, { uid: 'windows' }),
  'sliding windows with a trigger and states of their own': (keyed) =>
    keyed
      .window(slidingEventTimeWindows(40, 10))
      .trigger(eventTimeTrigger())
      .process(fired, { uid: 'windows' }),
  'sliding windows in panes': (keyed) =>
    keyed
      .window(slidingEventTimeWindows(50, 20))
      .allowedLateness(15)
      .aggregate(
        { ...ids, result: (all) => all.toSorted((a, b) => Number(a) - Number(b)).join('+') },
        named,
        { uid: 'windows' },
      ),
  sessions: (keyed) =>
    keyed.window(eventTimeSessionWindows(12)).aggregate(ids, named, { uid: 'windows' }),
  'sessions with a trigger': (keyed) =>
    keyed
      .window(eventTimeSessionWindows(12))
      .trigger(eventTimeTrigger())
      .aggregate(ids, named, { uid: 'windows' }),
  'sessions that are counted, with states of the key': (keyed) =>
    keyed
      .window(eventTimeSessionWindows(12))
      .trigger(countTrigger(2))
      .allowedLateness(30)
      .process(numbered, { uid: 'windows' }),
  'the global window with an evictor': (keyed) =>
    keyed
      .window(globalWindows())
      .trigger(countTrigger(2))
      .evictor(countEvictor(3))
      .reduce((a, b) => ({ ...a, id: `${a.id}+${b.id}` }), { uid: 'windows' })
      .map(({ id, key }) => `${key} ${id}`),
}

/** Records in some order, none of them late behind a bound of 60. */
function items(): Item[] {
  const random = new SeededRandom(4)
  return Array.from({ length: 60 }, (_, index) => ({
    id: String(index),
    key: 'abc'[Math.floor(random.next() * 3)]!,
    gap: 1,
    timestamp: index * 5 + Math.floor(random.next() * 50),
  }))
}

function windowJob(build: (keyed: Keyed) => DataStream<string>): JobModule {
  return job('windows', {}, (env) => {
    const source = collectionSource(
      items().flatMap((one, index) => {
        const record = at(one, one.timestamp)
        return index % 4 === 3 ? [record, pause(5)] : [record]
      }),
    )
    const keyed = env
      .fromSource(source, {
        uid: 'items',
        parallelism: 1,
        watermarks: boundedOutOfOrderness(60, ({ timestamp }) => timestamp),
      })
      .keyBy(({ key }) => key)
    build(keyed).sinkTo(collectionSink(), { uid: 'out' })
  })
}

const POINTS = ['snapshot-cut', 'after-pre-commit', 'before-publish', 'before-commit'] as const

describe('windows through crashes', () => {
  test.each(Object.entries(windows))(
    '%s emit as if nothing had happened, at parallelism 1 and 2 (semantics 2.2, 2.3)',
    async (_name, build) => {
      const expected = await testJob(windowJob(build), {})
      const sorted = expected.collected['out']!.toSorted()
      expect(sorted.length).toBeGreaterThan(10)
      const steps = expected.trace.length
      for (let seed = 1; seed <= 6; seed++) {
        const crashAt = [
          { step: Math.floor((steps * seed) / 9) },
          POINTS[seed % POINTS.length]!,
          { step: 5 * seed, kind: 'thread' as const, slot: 0 },
        ]
        const options = { seed, parallelism: 1 + (seed % 2), checkpointInterval: 5, crashAt }
        const { collected, crashes } = await testJob(windowJob(build), options)
        expect(collected['out']!.toSorted()).toEqual(sorted)
        expect(crashes.length).toBeGreaterThan(1)
      }
    },
  )

  const given: HarnessInput<Item>[] = items()
    .slice(0, 25)
    .flatMap((value, index): HarnessInput<Item>[] => {
      const record = { value, timestamp: value.timestamp }
      return index % 5 === 4 ? [record, { watermark: value.timestamp - 50 }] : [record]
    })

  test.each(Object.entries(windows))(
    '%s emit the same with snapshots and restores between all elements (semantics 2.2, 2.3)',
    async (_name, build) => {
      const stream = (all: DataStream<Item>) => build(all.keyBy(({ key }) => key))
      let expected: string[] = []
      await verifyOperator(stream, { input: given, expected, modes: ['one-by-one'] }).catch(
        (error: { readonly actual: string[] }) => (expected = error.actual),
      )
      expect(expected.length).toBeGreaterThan(5)
      await verifyOperator(stream, { input: given, expected, ordered: false })
    },
  )
})
