import fc from 'fast-check'
import {
  collectionSink,
  collectionSource,
  job,
  type JobModule,
  type Out,
  processFunction,
} from 'millrace'
import { type CrashPoint, ManualClock, testJob } from 'millrace/testing'
import { describe, expect, it } from 'vitest'

const NUMBERS = [1, 2, 3, 4, 5, 6]

/** How long an answer takes, in ms: many checkpoints. */
const ANSWER_MS = 1_000

/** A job whose input has ended long before a slow service answers, behind a shuffle. */
class SlowJob {
  readonly clock: ManualClock = new ManualClock(1_700_000_000_000)
  readonly asked: Map<number, number> = new Map()
  readonly module: JobModule

  constructor() {
    const slow = (n: number): Promise<number> => {
      this.asked.set(n, (this.asked.get(n) ?? 0) + 1)
      return new Promise((resolve) => this.clock.schedule(ANSWER_MS, () => resolve(n)))
    }
    this.module = job('slow', {}, (env) => {
      env
        .fromSource(collectionSource(NUMBERS), { uid: 'numbers' })
        .keyBy((n) => n)
        .process(
          processFunction({ processElement: (n: number, _ctx, out: Out<number>) => out.emit(n) }),
          { uid: 'keyed' },
        )
        .asyncMap(slow, { uid: 'slow' })
        .rebalance()
        .map((n) => n * 10)
        .sinkTo(collectionSink<number>(), { uid: 'answers' })
    })
  }

  async run(how: object) {
    const result = await testJob(this.module, {
      parallelism: 2,
      checkpointInterval: 50,
      clock: this.clock,
      ...how,
    })
    const answers = result.collected['answers'] as readonly number[]
    expect(answers.toSorted((a, b) => a - b)).toEqual(NUMBERS.map((n) => n * 10))
    return result
  }
}

describe('Calls under way when all input has ended', () => {
  it('hold up no checkpoint (R9, semantics 2.16)', async () => {
    const { events } = await new SlowJob().run({ seed: 1 })
    const checkpoints = events.filter(({ type }) => type === 'checkpoint')
    expect(checkpoints.length).toBeGreaterThan(10)
  })

  it('are made again from such a checkpoint, and end the job then (R9, semantics 2.16)', async () => {
    const slow = new SlowJob()
    const { crashes } = await slow.run({ seed: 1, crashAt: 'after-publish:9' })
    expect(crashes).toHaveLength(1)
    expect([...slow.asked.values()]).toEqual(NUMBERS.map(() => 2))
  })

  it('hold up no stop either (R14)', async () => {
    const slow = new SlowJob()
    const { events, crashes } = await slow.run({ seed: 1, crashAt: { step: 150, kind: 'stop' } })
    expect(crashes).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'stopping')).toHaveLength(1)
    // Nobody has waited for the answers of the first calls.
    expect([...slow.asked.values()]).toEqual(NUMBERS.map(() => 2))
  })

  it('come out exactly once wherever the job crashes meanwhile (R9)', async () => {
    const crash: fc.Arbitrary<CrashPoint> = fc.oneof(
      fc.record({
        step: fc.integer({ min: 50, max: 400 }),
        kind: fc.constantFrom('process' as const, 'stop' as const),
      }),
      fc.integer({ min: 1, max: 15 }).map((n) => `after-publish:${n}` as CrashPoint),
      fc.integer({ min: 1, max: 15 }).map((n) => `snapshot-cut:${n}` as CrashPoint),
    )
    const how = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      crashAt: fc.array(crash, { minLength: 1, maxLength: 3, size: 'max' }),
    })
    await fc.assert(
      fc.asyncProperty(how, async (options) => {
        await new SlowJob().run(options)
      }),
      { numRuns: 40 },
    )
  })
})
