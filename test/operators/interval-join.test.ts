import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  type DataStream,
  type Duration,
  job,
  outputTag,
  type Out,
} from 'millrace'
import { operatorHarness } from 'millrace/testing'
import { crashOnTheWay, slowly } from '../harness/crash-on-the-way.ts'

interface Tagged {
  readonly side: 'left' | 'right'
  readonly key: string
  readonly id: number
}

const leftLate = outputTag<Tagged>('left-late')
const rightLate = outputTag<Tagged>('right-late')

interface Interval {
  readonly lower: Duration
  readonly upper: Duration
  readonly exclusive?: 'lower' | 'upper' | 'both'
  readonly late?: boolean
}

/** Joins the left with the right records of one stream; a row tells both ids and the timestamp that it got. */
function joined(interval: Interval) {
  return (input: DataStream<Tagged>) => {
    const left = input.filter((one) => one.side === 'left').keyBy((one) => one.key)
    const right = input.filter((one) => one.side === 'right').keyBy((one) => one.key)
    let join = left.intervalJoin(right).between(interval.lower, interval.upper)
    const { exclusive } = interval
    if (exclusive === 'lower' || exclusive === 'both') join = join.lowerBoundExclusive()
    if (exclusive === 'upper' || exclusive === 'both') join = join.upperBoundExclusive()
    if (interval.late === true) {
      join = join.sideOutputLeftLateData(leftLate).sideOutputRightLateData(rightLate)
    }
    return join.process(
      (one, other, ctx, out: Out<readonly number[]>) =>
        out.emit([one.id, other.id, ctx.leftTimestamp, ctx.rightTimestamp]),
      { uid: 'join' },
    )
  }
}

const left = (id: number, key = 'k'): Tagged => ({ side: 'left', key, id })
const right = (id: number, key = 'k'): Tagged => ({ side: 'right', key, id })

describe('interval join (semantics 2.15)', () => {
  it('emits a pair when its later record arrives, with the later timestamp, whichever side it is', async () => {
    const harness = await operatorHarness(joined({ lower: -10, upper: 20 }))
    harness.processElement(left(1), 100)
    harness.processElement(right(2), 90)
    harness.processElement(right(3), 120)
    harness.processElement(right(4), 121)
    harness.processElement(right(5), 89)
    harness.processElement(left(6), 101)
    expect(harness.output()).toEqual([
      { value: [1, 2, 100, 90], timestamp: 100 },
      { value: [1, 3, 100, 120], timestamp: 120 },
      { value: [6, 3, 101, 120], timestamp: 120 },
      { value: [6, 4, 101, 121], timestamp: 121 },
    ])
    await harness.close()
  })

  it.each([
    ['none', undefined, [90, 91, 119, 120]],
    ['lower', 'lower', [91, 119, 120]],
    ['upper', 'upper', [90, 91, 119]],
    ['both', 'both', [91, 119]],
  ] as const)(
    'takes bounds as part of the interval unless they are exclusive: %s',
    async (_, exclusive, times) => {
      const interval = { lower: -10, upper: 20, ...(exclusive === undefined ? {} : { exclusive }) }
      const harness = await operatorHarness(joined(interval))
      harness.processElement(left(1), 100)
      for (const time of [89, 90, 91, 119, 120, 121]) harness.processElement(right(time), time)
      expect(harness.outputValues().map(([, id]) => id)).toEqual(times)
      await harness.close()
    },
  )

  it('keeps all records of one timestamp, and joins within a key only', async () => {
    const harness = await operatorHarness(joined({ lower: 0, upper: 0 }))
    for (const id of [1, 2]) harness.processElement(left(id), 5)
    harness.processElement(left(3, 'other'), 5)
    for (const id of [4, 5]) harness.processElement(right(id), 5)
    expect(harness.outputValues().map(([one, other]) => [one, other])).toEqual([
      [1, 4],
      [2, 4],
      [1, 5],
      [2, 5],
    ])
    await harness.close()
  })

  it('takes a record below the watermark as late, one at it not; late ones go to their output', async () => {
    const harness = await operatorHarness(joined({ lower: -10, upper: 10, late: true }))
    harness.processElement(left(1), 100)
    harness.processWatermark(99)
    harness.processElement(right(2), 99)
    harness.processElement(right(3), 98)
    harness.processElement(left(4), 98)
    expect(harness.outputValues()).toEqual([[1, 2, 100, 99]])
    expect(harness.sideOutput(rightLate)).toEqual([{ value: right(3), timestamp: 98 }])
    expect(harness.sideOutput(leftLate)).toEqual([{ value: left(4), timestamp: 98 }])
    await harness.close()
  })

  it('buffers a record that comes at the watermark until that advances', async () => {
    const harness = await operatorHarness(joined({ lower: 0, upper: 0 }))
    harness.processElement(left(1), 100)
    harness.processWatermark(100)
    harness.processElement(right(2), 100)
    harness.processElement(left(3), 100)
    harness.processWatermark(101)
    expect(harness.outputValues()).toEqual([[3, 2, 100, 100]])
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([0, 0])
    await harness.close()
  })

  it('counts late records where nothing takes them', async () => {
    const harness = await operatorHarness(joined({ lower: -10, upper: 10 }))
    harness.processWatermark(99)
    harness.processElement(left(1), 98)
    harness.processElement(right(2), 98)
    expect(harness.counter('numLateRecordsDropped')).toBe(2)
    expect(harness.numKeyedStateEntries).toBe(0)
    await harness.close()
  })

  it('drops what nothing can meet any more: no state and no timer stays behind', async () => {
    const harness = await operatorHarness(joined({ lower: '-1s', upper: '2s' }))
    for (let i = 0; i < 50; i++) {
      harness.processElement(left(i), 1_000 + i * 97)
      harness.processElement(right(i), 900 + i * 89)
    }
    harness.processWatermark(20_000)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([0, 0])
    await harness.close()
  })

  it('keeps nothing for ever where the bounds have been moved at a restart, to either side', async () => {
    for (const [before, after] of [
      [0, 10],
      [10, 0],
      [-20, 0],
      [0, -20],
    ] as const) {
      const first = await operatorHarness(joined({ lower: before, upper: before + 10 }))
      first.processElement(left(1), 5)
      first.processElement(right(2), 25)
      const snapshot = await first.snapshot()
      await first.close()
      const second = await operatorHarness(joined({ lower: after, upper: after + 10 }), {
        snapshot,
      })
      second.processElement(left(3), 6)
      second.processWatermark(1_000)
      expect([second.numKeyedStateEntries, second.numEventTimeTimers]).toEqual([0, 0])
      await second.close()
    }
  })

  it('refuses a record without a timestamp', async () => {
    const harness = await operatorHarness(joined({ lower: 0, upper: 1 }))
    expect(() => harness.processElement(left(1))).toThrow(
      expect.objectContaining({
        code: 'MR_TIMESTAMP_INVALID',
        message: expect.stringContaining('"join"'),
      }),
    )
    await harness.close()
  })

  it.each([
    { lower: 1, upper: 0 },
    { lower: 0, upper: 0, exclusive: 'both' },
    { lower: 0, upper: 1, exclusive: 'both' },
  ] as const)('refuses an interval in which nothing lies: %o', async (interval) => {
    await expect(operatorHarness(joined(interval))).rejects.toMatchObject({
      code: 'MR_OPTION_INVALID',
      message: expect.stringContaining('no pair of records is that far apart'),
    })
  })

  it.each(['soon', NaN, Infinity])('refuses a bound that is no duration: %o', async (bound) => {
    await expect(
      operatorHarness(joined({ lower: bound as Duration, upper: 1 })),
    ).rejects.toMatchObject({ code: 'MR_DURATION_INVALID' })
  })
})

type Step = { readonly record: Tagged; readonly timestamp: number } | { readonly watermark: number }

/** What Flink's operator does, with plain lists: buffers are swept when the watermark advances. */
function expectedOf(steps: readonly Step[], lower: number, upper: number) {
  const pairs: (readonly number[])[] = []
  const late: number[] = []
  let watermark = -Infinity
  let buffered: { record: Tagged; timestamp: number }[] = []
  for (const step of steps) {
    if ('watermark' in step) {
      if (step.watermark <= watermark) continue
      watermark = step.watermark
      buffered = buffered.filter(({ record, timestamp }) => {
        const stay = record.side === 'left' ? Math.max(0, upper) : Math.max(0, -lower)
        return timestamp + stay > watermark
      })
      continue
    }
    const { record, timestamp } = step
    if (timestamp < watermark) {
      late.push(record.id)
      continue
    }
    buffered.push(step)
    for (const other of buffered) {
      if (other.record.side === record.side || other.record.key !== record.key) continue
      const [one, two] = record.side === 'left' ? [step, other] : [other, step]
      const distance = two.timestamp - one.timestamp
      if (distance < lower || distance > upper) continue
      pairs.push([one.record.id, two.record.id, one.timestamp, two.timestamp])
    }
  }
  return { pairs, late }
}

const byText = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort()

const steps = fc
  .array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.tuple(
          fc.constantFrom('left' as const, 'right' as const),
          fc.constantFrom('a', 'b'),
          fc.nat(60),
        ),
      },
      { weight: 1, arbitrary: fc.nat(60) },
    ),
    { maxLength: 60, size: 'max' },
  )
  .map((list) =>
    list.map((one, id): Step => {
      if (typeof one === 'number') return { watermark: one + id - 30 }
      const [side, key, timestamp] = one
      // Time goes on while records come, so that few of them are late.
      return { record: { side, key, id }, timestamp: timestamp + id }
    }),
  )

const bounds = fc
  .tuple(fc.integer({ min: -15, max: 15 }), fc.nat(20))
  .map(([lower, length]) => ({ lower, upper: lower + length }))

describe('interval join, random streams', () => {
  it('does what a sweep of plain lists does, late records included (semantics 2.15)', async () => {
    await fc.assert(
      fc.asyncProperty(steps, bounds, async (list, { lower, upper }) => {
        const harness = await operatorHarness(joined({ lower, upper, late: true }))
        for (const step of list) {
          if ('watermark' in step) harness.processWatermark(step.watermark)
          else harness.processElement(step.record, step.timestamp)
        }
        const { pairs, late } = expectedOf(list, lower, upper)
        expect(byText(harness.outputValues())).toEqual(byText(pairs))
        const sides = [
          ...harness.sideOutputValues(leftLate),
          ...harness.sideOutputValues(rightLate),
        ]
        expect(sides.map(({ id }) => id).sort((a, b) => a - b)).toEqual(late)
        for (const { value, timestamp } of harness.outputRecords()) {
          expect(timestamp).toBe(Math.max(value[2]!, value[3]!))
        }
        harness.processWatermark(1_000)
        expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([0, 0])
        await harness.close()
      }),
      { numRuns: 150 },
    )
  })

  it('joins every pair once through crashes, at any parallelism (R12, R40)', async () => {
    const row = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(100))
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 30, size: 'max' }),
        fc.array(row, { maxLength: 30, size: 'max' }),
        bounds,
        fc.record({
          parallelism: fc.integer({ min: 1, max: 3 }),
          seed: fc.nat(),
          percent: fc.nat(99),
        }),
        async (lefts, rights, { lower, upper }, { parallelism, seed, percent }) => {
          const start = Date.UTC(2026, 0, 1)
          const declared = job('join', {}, (env) => {
            const watermarks = boundedOutOfOrderness(100, (one: [string, number]) => start + one[1])
            const one = env.fromSource(collectionSource(slowly(lefts)), { uid: 'l', watermarks })
            const other = env.fromSource(collectionSource(slowly(rights)), { uid: 'r', watermarks })
            one
              .keyBy(([key]) => key)
              .intervalJoin(other.keyBy(([key]) => key))
              .between(lower, upper)
              .process(([key, a], [, b], _ctx, out: Out<unknown>) => out.emit([key, a, b]), {
                uid: 'join',
              })
              .sinkTo(collectionSink(), { uid: 'out' })
          })
          const options = { parallelism, seed, checkpointInterval: 5 }
          const { collected } = await crashOnTheWay(declared, percent, options)
          const expected = lefts.flatMap(([key, a]) =>
            rights
              .filter(([k, b]) => k === key && b - a >= lower && b - a <= upper)
              .map(([, b]) => [key, a, b]),
          )
          expect(byText(collected['out']!)).toEqual(byText(expected))
        },
      ),
      { numRuns: 20 },
    )
  })
})
