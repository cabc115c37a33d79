import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  type DataStream,
  type Out,
  processFunction,
  tumblingEventTimeWindows,
  valueState,
} from 'millrace'
import { operatorHarness } from 'millrace/testing'

const T0 = 1_700_000_000_000

/** Counts the records of each key, and tells of it when a second has passed by either clock. */
const counted = () =>
  processFunction({
    state: { count: valueState<number>() },
    processElement(_word: string, ctx, out: Out<string>) {
      const count = (ctx.state.count.value() ?? 0) + 1
      ctx.state.count.update(count)
      ctx.timers.registerEventTime(T0 + 1_000)
      ctx.timers.registerProcessingTime(ctx.timers.currentProcessingTime + 1_000)
      out.emit(`${ctx.key} ${count} in ${ctx.subtaskIndex} of ${ctx.parallelism}`)
    },
    onTimer(_timestamp, ctx, out) {
      out.emit(`${ctx.key} by ${ctx.timeDomain}`)
    },
  })

const options = { keyBy: (word: string) => word }

describe('operatorHarness at a parallelism', () => {
  it('sends each key to the subtask of its key group (semantics 2.8)', async () => {
    const harness = await operatorHarness(counted(), {
      ...options,
      parallelism: 4,
      maxParallelism: 128,
    })
    // The table of the section, at parallelism 4.
    for (const word of ['', 'a', 'b', 'key1', 'user-1', 'hello']) harness.processElement(word, T0)
    expect(harness.outputValues().sort()).toEqual([
      ' 1 in 2 of 4',
      'a 1 in 2 of 4',
      'b 1 in 0 of 4',
      'hello 1 in 1 of 4',
      'key1 1 in 1 of 4',
      'user-1 1 in 3 of 4',
    ])
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([6, 6])
    harness.processWatermark(T0 + 1_000)
    expect(harness.outputValues().slice(6)).toHaveLength(6)
    expect(harness.output().at(-1)).toEqual({ watermark: T0 + 1_000 })
    expect(harness.output().filter((element) => 'watermark' in element)).toHaveLength(1)
    harness.endInput()
    expect(harness.currentWatermark).toBe(Infinity)
    await harness.close()
  })

  it('gives the same however many times and wherever it is rescaled (semantics 2.9)', async () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd', 'key1', 'key2', 'user-1', 'hello')
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ word }) },
      { weight: 2, arbitrary: fc.record({ parallelism: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 1, arbitrary: fc.record({ watermark: fc.integer({ min: 0, max: 2_000 }) }) },
      { weight: 1, arbitrary: fc.record({ ms: fc.integer({ min: 0, max: 900 }) }) },
    )
    type Steps = readonly (
      { word: string } | { parallelism: number } | { watermark: number } | { ms: number }
    )[]
    const run = async (steps: Steps): Promise<string[]> => {
      let harness = await operatorHarness(counted(), { ...options, maxParallelism: 16 })
      const seen: string[] = []
      const collect = (): void => {
        seen.push(...harness.outputValues().map((text) => text.replace(/ in .*/, '')))
      }
      for (const one of steps) {
        if ('word' in one) harness.processElement(one.word, T0)
        else if ('watermark' in one) harness.processWatermark(T0 + one.watermark)
        else if ('ms' in one) harness.advanceProcessingTime(one.ms)
        else {
          const snapshot = await harness.snapshot()
          collect()
          harness = await harness.restore(snapshot, one)
        }
      }
      harness.endInput()
      collect()
      await harness.close()
      return seen.sort()
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const plain = steps.filter((one) => !('parallelism' in one))
        expect(await run(steps)).toEqual(await run(plain))
      }),
      { numRuns: 60 },
    )
  })

  it('keeps late late at another parallelism, and after two of them (R12)', async () => {
    const windows = (words: DataStream<string>) =>
      words
        .keyBy((text) => text)
        .window(tumblingEventTimeWindows('1s'))
        .aggregate(
          { create: () => 0, add: (count: number) => count + 1, result: (count) => count },
          { uid: 'windows' },
        )
    let harness = await operatorHarness(windows)
    harness.processElement('a', T0)
    harness.processWatermark(T0 + 5_000)
    expect(harness.outputValues()).toEqual([1])
    for (const parallelism of [3, 2]) {
      harness = await harness.restore(await harness.snapshot(), { parallelism })
      expect(harness.currentWatermark).toBe(T0 + 5_000)
      for (const text of ['a', 'b', 'c', 'd']) harness.processElement(text, T0)
      expect(harness.counter('numLateRecordsDropped')).toBe(4)
    }
    harness.endInput()
    expect(harness.outputValues()).toEqual([])
    await harness.close()
  })

  it('begins generated watermarks anew, and lets time go back nowhere (R12)', async () => {
    const timed = (words: DataStream<number>) =>
      words.assignTimestampsAndWatermarks(
        boundedOutOfOrderness(0, (n) => n),
        { uid: 'time' },
      )
    const first = await operatorHarness(timed)
    first.processElement(T0)
    const second = await first.restore(await first.snapshot(), { parallelism: 2 })
    second.processElements([{ value: T0 - 5 }, { value: T0 - 5 }])
    expect(second.currentWatermark).toBe(T0 - 1)
    second.processElements([{ value: T0 + 5 }, { value: T0 + 5 }])
    expect(second.currentWatermark).toBe(T0 + 4)
    await second.close()
  })

  it('refuses a snapshot with other key groups, and one of operators that are not there (R5)', async () => {
    const harness = await operatorHarness(counted(), options)
    const snapshot = await harness.snapshot()
    await expect(
      operatorHarness(counted(), { ...options, snapshot, maxParallelism: 64 }),
    ).rejects.toMatchObject({ code: 'MR_MAX_PARALLELISM_CHANGED' })
    await expect(
      operatorHarness((words: DataStream<string>) => words.map((text) => text), { snapshot }),
    ).rejects.toMatchObject({ code: 'MR_STATE_NOT_RESTORED' })
    await harness.close()
  })

  it('runs operators with a parallelism of their own', async () => {
    const harness = await operatorHarness((words: DataStream<string>) =>
      words
        .rebalance()
        .process((text, ctx, out: Out<string>) => out.emit(`${text}${ctx.subtaskIndex}`), {
          parallelism: 3,
        }),
    )
    harness.processElements([{ value: 'a' }, { value: 'b' }, { value: 'c' }])
    expect(harness.outputValues().sort()).toEqual(['a0', 'b1', 'c2'])
    await harness.close()
  })
})
