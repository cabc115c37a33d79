import { describe, expect, test } from 'vitest'
import {
  collectionSink,
  collectionSource,
  type DataStream,
  job,
  monotonousTimestamps,
  type Out,
  outputTag,
  processFunction,
  timeEvictor,
  tumblingEventTimeWindows,
  windowProcessFunction,
} from 'millrace'
import { operatorHarness, testJob } from 'millrace/testing'

// Section 4 of the semantics: where copying Flink would copy a bug or a trap. Items 5, 8 and 10 are about Kafka and CEP.

const uid = { uid: 'tested' }
const LATE = outputTag<number>('late')
const counted = {
  create: () => 0,
  add: (count: number, _n: number) => count + 1,
  result: (count: number) => count,
}
const all = () => 'all'
const windowed = (numbers: DataStream<number>) =>
  numbers.keyBy(all).window(tumblingEventTimeWindows(10))

describe('inputs that are idle or have ended', () => {
  const both = (first: DataStream<number>, second: DataStream<number>) => first.union(second)

  test('an end pushes nobody past an idle input, whose highest counts then (semantics 4, item 1: FLINK-38477)', async () => {
    const harness = await operatorHarness(both)
    harness.processWatermark1(50)
    harness.processWatermark2(70)
    harness.processWatermarkStatus2('idle')
    harness.endInput1()
    expect(harness.output()).toEqual([{ watermark: 50 }, { watermark: 70 }])
    harness.processWatermark2(80)
    harness.endInput2()
    expect(harness.output().slice(2)).toEqual([{ watermark: 80 }, { watermark: Infinity }])
    await harness.close()
  })

  test('when all become idle time comes to the highest, whichever was last (semantics 4, item 1: FLINK-38454, FLINK-40475)', async () => {
    for (const first of [1, 2]) {
      const harness = await operatorHarness(both)
      harness.processWatermark1(50)
      harness.processWatermark2(70)
      if (first === 1) harness.processWatermarkStatus1('idle')
      harness.processWatermarkStatus2('idle')
      harness.processWatermarkStatus1('idle')
      expect(harness.currentWatermark).toBe(70)
      await harness.close()
    }
  })

  test('an idle input that ends brings the final watermark all the same (semantics 4, item 1: FLINK-40499)', async () => {
    const harness = await operatorHarness((numbers: DataStream<number>) =>
      windowed(numbers).aggregate(counted, uid),
    )
    harness.processElement(1, 1)
    harness.processWatermarkStatus('idle')
    harness.endInput()
    expect(harness.output()).toEqual([{ value: 1, timestamp: 9 }, { watermark: Infinity }])
    await harness.close()
  })
})

test('what is late stays late behind a restore (semantics 4, item 2)', async () => {
  const before = await operatorHarness((numbers: DataStream<number>) =>
    windowed(numbers).sideOutputLateData(LATE).aggregate(counted, uid),
  )
  before.processWatermark(9)
  const harness = await before.restore(await before.snapshot())
  harness.processElement(5, 5)
  expect(harness.sideOutput(LATE)).toEqual([{ value: 5, timestamp: 5 }])
  await harness.close()
})

test('what comes out at the end is committed once, wherever the job crashes (semantics 4, items 3 and 4)', async () => {
  const ending = job('ending', {}, (env) => {
    env
      .fromSource(collectionSource([1, 2, 3]), {
        uid: 'in',
        watermarks: monotonousTimestamps((n: number) => n),
      })
      .keyBy(all)
      .window(tumblingEventTimeWindows(10))
      .aggregate(counted, uid)
      .sinkTo(collectionSink(), { uid: 'out' })
  })
  for (let step = 1; step < 120; step += 7) {
    const { collected } = await testJob(ending, { parallelism: 2, crashAt: { step } })
    expect([step, collected['out']]).toEqual([step, [3]])
  }
})

test('late records fire one by one unless the job says otherwise (semantics 4, item 9)', async () => {
  const results = async (atMostEvery?: '1s') => {
    const harness = await operatorHarness((numbers: DataStream<number>) => {
      const windows = windowed(numbers).allowedLateness(100)
      return (atMostEvery === undefined ? windows : windows.lateFiring({ atMostEvery })).aggregate(
        counted,
        uid,
      )
    })
    harness.processElement(1, 1)
    harness.processWatermark(9)
    for (const n of [2, 3, 4]) harness.processElement(n, n)
    harness.advanceProcessingTime(1_001)
    harness.endInput()
    const values = harness.outputValues()
    await harness.close()
    return values
  }
  expect(await results()).toEqual([1, 2, 3, 4])
  expect(await results('1s')).toEqual([1, 4])
})

describe('where documentation and code of Flink differ, the code counts', () => {
  test('a window fires one before its end, and a record at the watermark is late (semantics 4, item 12)', async () => {
    const harness = await operatorHarness((numbers: DataStream<number>) =>
      windowed(numbers).sideOutputLateData(LATE).aggregate(counted, uid),
    )
    harness.processElement(1, 1)
    harness.processWatermark(8)
    expect(harness.outputValues()).toEqual([])
    harness.processElement(8, 8)
    harness.processWatermark(9)
    expect(harness.outputValues()).toEqual([2])
    harness.processElement(9, 9)
    expect(harness.sideOutputValues(LATE)).toEqual([9])
    await harness.close()
  })

  test('timeEvictor drops what is exactly the span before the last (semantics 4, item 12)', async () => {
    const listed = windowProcessFunction({
      process(elements: readonly number[], _ctx, out: Out<number[]>) {
        out.emit([...elements])
      },
    })
    const harness = await operatorHarness((numbers: DataStream<number>) =>
      windowed(numbers).evictor(timeEvictor(3)).process(listed, uid),
    )
    for (const n of [4, 5, 6, 7]) harness.processElement(n, n)
    harness.processWatermark(9)
    expect(harness.outputValues()).toEqual([[5, 6, 7]])
    await harness.close()
  })

  test('a process function sees late records, those below the watermark and at it (semantics 4, item 12)', async () => {
    const late = processFunction({
      processElement(n: number, ctx, out: Out<[number, boolean]>) {
        out.emit([n, ctx.timestamp <= ctx.timers.currentWatermark])
      },
    })
    const harness = await operatorHarness(late, { keyBy: all })
    harness.processWatermark(5)
    for (const n of [4, 5, 6]) harness.processElement(n, n)
    expect(harness.outputValues()).toEqual([
      [4, true],
      [5, true],
      [6, false],
    ])
    await harness.close()
  })
})
