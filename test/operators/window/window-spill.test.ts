import { describe, expect, test } from 'vitest'
import { collectionSink } from '../../../connectors/collection-sink.ts'
import { at, collectionSource, pause } from '../../../connectors/collection-source.ts'
import type { Out } from '../../../operators/collector.ts'
import { job } from '../../../operators/job.ts'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import { boundedOutOfOrderness } from '../../../operators/watermarks.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import { countEvictor } from '../../../operators/window/evictor.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import { slidingEventTimeWindows } from '../../../operators/window/sliding-windows.ts'
import { eventTimeTrigger } from '../../../operators/window/time-triggers.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import { SeededRandom } from '../../../runtime/clock.ts'
import type { JobModule } from '../../../runtime/job/job-module.ts'
import { mapState, valueState } from '../../../runtime/state/state.ts'
import { testJob } from '../../../testing/test-job.ts'
import { runInline } from '../../oracle/inline-cluster.ts'
import { ids, type Item, named } from './window-run.ts'

type Keyed = KeyedStream<Item, string>

const sorted: typeof ids = {
  ...ids,
  result: (all) => all.toSorted((a, b) => Number(a) - Number(b)).join('+'),
}

const stateful = windowProcessFunction({
  windowState: { fired: valueState<number>() },
  globalState: { byStart: mapState<number, number>() },
  process(elements: readonly Item[], ctx, out: Out<string>) {
    const fired = (ctx.windowState.fired.value() ?? 0) + 1
    ctx.windowState.fired.update(fired)
    const { byStart } = ctx.globalState
    byStart.put(ctx.window.start, elements.length)
    if (byStart.get(ctx.window.start - 400) !== undefined) byStart.remove(ctx.window.start - 400)
    out.emit(`${ctx.key} ${ctx.window.start} #${fired} ${elements.length}`)
  },
})

const windows: Record<string, (keyed: Keyed) => DataStream<string>> = {
  'hundreds of open sessions of each key': (keyed) =>
    keyed.window(eventTimeSessionWindows(2)).aggregate(sorted, named, { uid: 'windows' }),
  'hundreds of them with a trigger': (keyed) =>
    keyed
      .window(eventTimeSessionWindows(2))
      .trigger(eventTimeTrigger())
      .aggregate(sorted, named, { uid: 'windows' }),
  'sliding windows with states of the window and of the key': (keyed) =>
    keyed
      .window(slidingEventTimeWindows(100, 25))
      .trigger(countTrigger(3))
      .process(stateful, { uid: 'windows' }),
  'sliding windows in panes': (keyed) =>
    keyed.window(slidingEventTimeWindows(120, 50)).aggregate(sorted, named, { uid: 'windows' }),
  'windows with an evictor': (keyed) =>
    keyed
      .window(slidingEventTimeWindows(100, 50))
      .trigger(eventTimeTrigger())
      .evictor(countEvictor(4))
      .aggregate(sorted, named, { uid: 'windows' }),
}

const COUNT = 700

/** Records far out of order, none late: most windows are open until near the end. */
function windowJob(build: (keyed: Keyed) => DataStream<string>): JobModule {
  const random = new SeededRandom(7)
  const items = Array.from({ length: COUNT }, (_, index): Item => {
    const key = `key ${Math.floor(random.next() * 3)}`
    return {
      id: String(index),
      key,
      gap: 1,
      timestamp: index * 2 + Math.floor(random.next() * 2_000),
    }
  })
  return job('windows', {}, (env) => {
    const source = collectionSource(
      items.flatMap((one, index) => {
        const record = at(one, one.timestamp)
        return index % 100 === 99 ? [record, pause(1)] : [record]
      }),
    )
    const keyed = env
      .fromSource(source, {
        uid: 'items',
        parallelism: 1,
        watermarks: boundedOutOfOrderness(2_000, ({ timestamp }) => timestamp),
      })
      .keyBy(({ key }) => key)
    build(keyed).sinkTo(collectionSink(), { uid: 'out' })
  })
}

describe('windows whose state is in LevelDB, behind a cache for next to nothing of it', () => {
  test.each(Object.entries(windows))(
    '%s emit what they emit in memory, through crashes too (semantics 2.2, 2.3)',
    async (_name, build) => {
      const expected = (await testJob(windowJob(build), {})).collected['out']!
      expect(expected.length).toBeGreaterThan(100)
      const { collected, crashes } = await runInline({
        job: windowJob(build),
        parallelisms: [2],
        seed: 1,
        crashAt: ['before-commit:1', { step: 60, kind: 'process' }],
        checkpointIntervalMs: 10,
        strict: false,
        cacheBytes: 8_000,
      })
      expect(collected['out']!.toSorted()).toEqual(expected.toSorted())
      expect(crashes).toBeGreaterThan(0)
    },
  )
})
