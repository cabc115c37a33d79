import { describe, expect, it } from 'vitest'
import {
  collectionSink,
  collectionSource,
  dataGeneratorSource,
  job,
  monotonousTimestamps,
  type Out,
  processFunction,
  type Source,
} from 'millrace'
import { pause, testJob } from 'millrace/testing'

const IDLE_MS = 2_000
const QUIET_MS = 10_000

const time = (timestamp: number): number => timestamp

const watermarks = monotonousTimestamps(time, { idleTimeout: IDLE_MS })

/** Emits, when event time gets to the first record of a key, how long that took by the clock. */
const untilPassed = processFunction({
  processElement(timestamp: number, ctx) {
    ctx.timers.registerEventTime(timestamp)
  },
  onTimer(timestamp, ctx, out: Out<readonly [number, number]>) {
    out.emit([timestamp, ctx.timers.currentProcessingTime])
  },
})

/** When event time passed each record, by the clock, from the first on. */
async function passed(quiet: Source<number>, parallelism: number): Promise<Map<number, number>> {
  const waiting = job('waiting', {}, (env) => {
    const lively = collectionSource([1_000, 2_000, 3_000, pause(QUIET_MS), 4_000])
    env
      .fromSource(lively, { uid: 'lively', watermarks })
      .union(env.fromSource(quiet, { uid: 'quiet', watermarks }))
      .keyBy((timestamp) => timestamp)
      .process(untilPassed, { uid: 'waiting' })
      .sinkTo(collectionSink(), { uid: 'out' })
  })
  const { collected } = await testJob(waiting, { parallelism, checkpointInterval: '1h' })
  const all = collected['out'] as readonly (readonly [number, number])[]
  const begin = Math.min(...all.map(([, at]) => at))
  return new Map(all.map(([timestamp, at]) => [timestamp, at - begin]))
}

describe('idleness of our own sources', () => {
  it.each([
    { name: 'pauses', source: () => collectionSource([1_500, pause(QUIET_MS), 5_000]) },
    {
      name: 'has nothing due',
      source: () =>
        dataGeneratorSource({
          generate: (i) => 1_500 + i * 3_500,
          count: 2,
          rate: 1_000 / QUIET_MS,
        }),
    },
  ])(
    'a source that $name holds nobody back for longer than the timeout (R11)',
    async ({ source }) => {
      for (const parallelism of [1, 2]) {
        const at = await passed(source(), parallelism)
        // While it counts as active, event time stands at its last record.
        expect(at.get(2_000)).toBeGreaterThan(IDLE_MS - 100)
        expect(at.get(2_000)).toBeLessThan(QUIET_MS / 2)
        expect(at.get(4_000)).toBeGreaterThan(QUIET_MS / 2)
      }
    },
  )
})
