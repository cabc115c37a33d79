import fc from 'fast-check'
import { type CrashPoint, testJob } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { FAILPOINTS } from '../../../runtime/failpoint.ts'
import { type Answered, AskingJob, type AskingOptions } from './asking-job.ts'

const OPTIONS: fc.Arbitrary<AskingOptions> = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  ordered: fc.boolean(),
  capacity: fc.integer({ min: 1, max: 6 }),
  secondParallelism: fc.integer({ min: 1, max: 2 }),
  failEvery: fc.constantFrom(0, 4),
  silentEvery: fc.constantFrom(0, 0, 9),
})

const CRASH: fc.Arbitrary<CrashPoint> = fc.oneof(
  fc.record({
    step: fc.integer({ min: 1, max: 300 }),
    kind: fc.constantFrom('process' as const, 'process' as const, 'stop' as const),
  }),
  fc.record({
    step: fc.integer({ min: 1, max: 300 }),
    kind: fc.constant('thread' as const),
    slot: fc.constant(0),
  }),
  fc.constantFrom(...FAILPOINTS),
)

/** A thread lost three times before any checkpoint ends the job (R38): that is no crash to go on from. */
const LOSSES = 2

function isSurvived(points: readonly CrashPoint[]): boolean {
  const losses = points.filter((point) => typeof point === 'object' && point.kind === 'thread')
  return losses.length <= LOSSES
}

const RUN = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  parallelism: fc.integer({ min: 1, max: 2 }),
  checkpointInterval: fc.constantFrom(5, 20, 50),
  crashAt: fc.array(CRASH, { maxLength: 3 }).filter(isSurvived),
})

/** Runs the job, and looks at what does not depend on any order. */
async function run(options: AskingOptions, how: object): Promise<string[]> {
  const asking = new AskingJob(options)
  const { collected } = await testJob(asking.module, how)
  const answers = collected['answers'] as readonly Answered[]
  expect(answers.filter(({ isLate }) => isLate)).toEqual([])
  expect(answers.map(({ answer }) => answer).sort()).toEqual(asking.expected.sort())
  expect(asking.asked.size).toBe(options.count)
  return answers.map(({ answer }) => answer)
}

describe('Answers of asynchronous functions', () => {
  it('come out exactly once and behind no watermark, wherever the job crashes (semantics 2.16)', async () => {
    await fc.assert(
      fc.asyncProperty(OPTIONS, RUN, async (options, how) => {
        await run(options, how)
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('come out in order where that is asked for, also behind a crash (semantics 2.16)', async () => {
    await fc.assert(
      fc.asyncProperty(OPTIONS, RUN, async (options, how) => {
        const one = { ...options, ordered: true, secondParallelism: 1 }
        const answers = await run(one, { ...how, parallelism: 1 })
        expect(answers).toEqual(new AskingJob(one).expected)
      }),
      { numRuns: 30 },
    )
  }, 60_000)

  it('are asked for again after a crash, since calls are made at least once (semantics 2.16)', async () => {
    const asking = new AskingJob({
      count: 40,
      ordered: false,
      capacity: 6,
      secondParallelism: 1,
      failEvery: 0,
      silentEvery: 0,
    })
    const { crashes } = await testJob(asking.module, {
      seed: 6,
      checkpointInterval: 5,
      crashAt: 'after-publish:2',
    })
    expect(crashes).toHaveLength(1)
    expect(Math.max(...asking.asked.values())).toBe(2)
  })
})
