import { describe, expect, test } from 'vitest'
import type { DataStream } from '../../../operators/streams.ts'
import {
  tumblingEventTimeWindows,
  tumblingProcessingTimeWindows,
  type TumblingWindowOptions,
} from '../../../operators/window/tumbling-windows.ts'
import type { Out } from '../../../operators/collector.ts'
import { type OperatorHarness, operatorHarness } from '../../../testing/operator-harness.ts'
import { ids, type Item, START } from './window-run.ts'

const item = (timestamp: number): Item => ({ id: 'x', key: 'a', gap: 1, timestamp })

/** The starts of windows of 100 ms, as they fire. */
function staggered(options: TumblingWindowOptions, isEventTime = true) {
  const make = isEventTime ? tumblingEventTimeWindows : tumblingProcessingTimeWindows
  return (items: DataStream<Item>): DataStream<number> =>
    items
      .keyBy(({ key }) => key)
      .window(make(100, options))
      .aggregate(ids, (_result, { window }, out: Out<number>) => out.emit(window.start), {
        uid: 'windows',
      })
}

async function feed(harness: OperatorHarness<Item, number>): Promise<void> {
  for (const timestamp of [0, 150, 410]) harness.processElement(item(timestamp), timestamp)
}

describe('stagger (semantics 2.1)', () => {
  test('aligned windows begin with the epoch and the offset', async () => {
    const harness = await operatorHarness(staggered({ offset: 20, stagger: 'aligned' }))
    await feed(harness)
    harness.endInput()
    expect(harness.outputValues()).toEqual([-80, 120, 320 + 0])
    await harness.close()
  })

  test('natural ones begin with the clock at the first record, and the offset', async () => {
    const harness = await operatorHarness(staggered({ offset: 20, stagger: 'natural' }), {
      processingTime: START + 33,
    })
    await feed(harness)
    harness.endInput()
    expect(harness.outputValues()).toEqual([-47, 53 + 0, 353])
    await harness.close()
  })

  test('random ones begin somewhere, the same for all windows of a subtask', async () => {
    const harness = await operatorHarness(staggered({ stagger: 'random' }))
    await feed(harness)
    harness.endInput()
    const starts = harness.outputValues()
    const offsets = new Set(starts.map((start) => ((start % 100) + 100) % 100))
    expect(offsets.size).toBe(1)
    expect([...offsets][0]).toBeGreaterThan(0)
    await harness.close()
  })

  test('is looked up once, and is part of the checkpoint', async () => {
    let harness = await operatorHarness(staggered({ stagger: 'natural' }, false), {
      processingTime: START + 33,
    })
    harness.processElement(item(0), 0)
    harness.advanceProcessingTime(101)
    expect(harness.outputValues()).toEqual([START + 33])
    harness.advanceProcessingTime(10)
    harness = await harness.restore(await harness.snapshot())
    harness.processElement(item(0), 0)
    harness.advanceProcessingTime(100)
    expect(harness.outputValues()).toEqual([START + 133])
    await harness.close()
  })

  test('is drawn anew at another parallelism; windows that are open stay where they are', async () => {
    const before = await operatorHarness(staggered({ stagger: 'random' }))
    before.processElement(item(0), 0)
    const after = await before.restore(await before.snapshot(), { parallelism: 2 })
    after.processElement(item(500), 500)
    after.endInput()
    const [first, ...others] = after.outputValues()
    expect([first! <= 0 && first! > -100, others.length]).toEqual([true, 1])
    expect([after.numKeyedStateEntries, after.numEventTimeTimers]).toEqual([0, 0])
    await after.close()
  })
})
