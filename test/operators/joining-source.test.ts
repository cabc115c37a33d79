import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  job,
  type JobModule,
  type Out,
  processFunction,
} from 'millrace'
import { testJob } from 'millrace/testing'

const T0 = 1_700_000_000_000
const NUMBERS = Array.from({ length: 200 }, (_, n) => n)
const inOrder = boundedOutOfOrderness('0s', (n: number) => T0 + (n % 1_000) * 60_000)

const judged = () =>
  processFunction({
    processElement(n: number, ctx, out: Out<string>) {
      out.emit(`${n} is ${ctx.timestamp <= ctx.timers.currentWatermark ? 'late' : 'in time'}`)
    },
  })

/** One source; from the second run, which has parallelism 2, another one too whose records are as old as the first ones. */
function joining(): JobModule {
  let parallelism = 1
  const module = job('joining', {}, (env) => {
    const before = env.fromSource(collectionSource(NUMBERS), { uid: 'before', watermarks: inOrder })
    const later = (): typeof before =>
      env.fromSource(collectionSource(NUMBERS.map((n) => n + 1_000)), {
        uid: 'later',
        watermarks: inOrder,
      })
    const all = parallelism === 1 ? before : before.union(later())
    all
      .keyBy((n) => n % 5)
      .process(judged(), { uid: 'judged' })
      .sinkTo(collectionSink(), { uid: 'out' })
  })
  return {
    ...module,
    build(params, shape) {
      parallelism = shape.parallelism
      return module.build(params, shape)
    },
  }
}

describe('a source that joins a job that has a checkpoint', () => {
  it.each([1, 2, 3, 4])(
    'finds that time begins anew behind it, so that its records are not late, seed %i (R12)',
    async (seed) => {
      const result = await testJob(joining(), {
        seed,
        parallelism: [1, 2],
        checkpointInterval: 3,
        crashAt: [{ step: 60 + seed, kind: 'stop' }],
      })
      expect(result.crashes).toHaveLength(1)
      const out = result.collected['out'] as string[]
      const later = out.filter((line) => Number.parseInt(line, 10) >= 1_000)
      expect(later.toSorted()).toEqual(NUMBERS.map((n) => `${n + 1_000} is in time`).toSorted())
      expect(out).toHaveLength(2 * NUMBERS.length)
      const started = result.events.filter((event) => event.type === 'started')
      expect(started.at(-1)!.notes).toContainEqual(
        'source "later" begins without positions, so the watermarks of "judged", "out" begin anew',
      )
    },
  )
})
