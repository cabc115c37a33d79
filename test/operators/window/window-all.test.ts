import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collectionSink } from '../../../connectors/collection-sink.ts'
import { at as recordAt, collectionSource } from '../../../connectors/collection-source.ts'
import type { Out } from '../../../operators/collector.ts'
import { job } from '../../../operators/job.ts'
import type { DataStream } from '../../../operators/streams.ts'
import { boundedOutOfOrderness } from '../../../operators/watermarks.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import { globalWindows } from '../../../operators/window/global-windows.ts'
import { purgingTrigger } from '../../../operators/window/purging-trigger.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import type { WindowAssigner } from '../../../operators/window/window-assigner.ts'
import type { WindowContext } from '../../../operators/window/window-function.ts'
import { operatorHarness } from '../../../testing/operator-harness.ts'
import { testJob } from '../../../testing/test-job.ts'
import { modelWindows } from './window-model.ts'
import { ids, type Item, rowText, START, steps } from './window-run.ts'

const named = (result: string, ctx: WindowContext<number>, out: Out<string>): void =>
  out.emit(rowText('all', ctx.window, result))

const hours = (items: DataStream<Item>): DataStream<string> =>
  items.windowAll(tumblingEventTimeWindows(10)).aggregate(ids, named, { uid: 'all' })

const kinds = {
  'tumbling windows': {
    assigner: tumblingEventTimeWindows(10) as WindowAssigner<Item, TimeWindow>,
    isMerging: false,
    assign: (_item: Item, time: number) => {
      const start = Math.floor(time / 10) * 10
      return [[start, start + 10] as const]
    },
  },
  sessions: {
    assigner: eventTimeSessionWindows(({ gap }: Item) => gap) as WindowAssigner<Item, TimeWindow>,
    isMerging: true,
    assign: ({ gap }: Item, time: number) => [[time, time + gap] as const],
  },
}

describe('windowAll', () => {
  test.each(Object.values(kinds))(
    'puts the records of all keys into the same windows: case %# (semantics 2.1, 2.2, 2.3)',
    async ({ assigner, isMerging, assign }) => {
      const property = fc.asyncProperty(steps, async (given) => {
        const of = given.map((step) => ('key' in step ? { ...step, key: 'all' } : step))
        const model = modelWindows(of, { isEventTime: true, isMerging, assign })
        const build = (items: DataStream<Item>): DataStream<string> =>
          items.windowAll(assigner).aggregate(ids as never, named, { uid: 'all' })
        const harness = await operatorHarness(build, { processingTime: START })
        for (const [index, step] of given.entries()) {
          if ('watermark' in step) harness.processWatermark(step.watermark)
          else if ('key' in step) {
            harness.processElement({ ...step, id: String(index) }, step.timestamp)
          }
        }
        harness.endInput()
        expect(harness.outputValues()).toEqual(model.output.flat())
        expect(harness.counter('numLateRecordsDropped')).toBe(model.late.length)
        await harness.close()
      })
      await fc.assert(property, { numRuns: 40 })
    },
  )

  test('counts records of all keys with the trigger of a count window (semantics 2.4)', async () => {
    const harness = await operatorHarness((items: DataStream<Item>) =>
      items
        .windowAll(globalWindows())
        .trigger(purgingTrigger(countTrigger(2)))
        .aggregate(ids, { uid: 'all' }),
    )
    for (const key of ['a', 'b', 'c', 'd']) {
      harness.processElement({ id: key, key, gap: 1, timestamp: 0 }, 0)
    }
    expect(harness.outputValues()).toEqual(['a+b', 'c+d'])
    await harness.close()
  })

  const items = Array.from({ length: 40 }, (_, index): Item => {
    return { id: String(index), key: 'abcd'[index % 4]!, gap: 1, timestamp: index * 3 }
  })

  const allJob = (build: (stream: DataStream<Item>) => DataStream<string>) =>
    job('all', {}, (env) => {
      const stream = env.fromSource(
        collectionSource(items.map((item) => recordAt(item, item.timestamp))),
        { uid: 'items', watermarks: boundedOutOfOrderness(200, ({ timestamp }) => timestamp) },
      )
      build(stream.map((item) => item)).sinkTo(collectionSink(), { uid: 'out' })
    })

  test('is one subtask, and one result a window, whatever the parallelism of the job', async () => {
    const lengths = (items: DataStream<Item>): DataStream<string> =>
      hours(items).map((row) => row.split('+').length + row.slice(0, row.indexOf(')')))
    const one = await testJob(allJob(lengths), {})
    const three = await testJob(allJob(lengths), { parallelism: 3, crashAt: [{ step: 60 }] })
    expect(one.collected['out']!.length).toBe(12)
    expect(three.collected['out']!.toSorted()).toEqual(one.collected['out']!.toSorted())
    expect(three.crashes.length).toBe(1)
  })

  test('takes no other parallelism', async () => {
    const wide = (stream: DataStream<Item>): DataStream<string> =>
      stream
        .windowAll(tumblingEventTimeWindows(10))
        .aggregate(ids, named, { uid: 'all', parallelism: 2 })
    await expect(testJob(allJob(wide), {})).rejects.toMatchObject({ code: 'MR_OPTION_INVALID' })
  })
})
