import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AlignmentOptions,
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  dataGeneratorSource,
  fileSource,
  job,
  type JobModule,
  json,
  monotonousTimestamps,
  param,
  punctuatedWatermarks,
  type WatermarkStrategy,
} from 'millrace'
import { testJob, type TestJobOptions } from 'millrace/testing'
import { meet, type Tick } from '../harness/meeting-streams.ts'
import { splitsSource } from '../simulation/splits-source.ts'

const T0 = 1_700_000_000_000
const RECORDS = 600

const tick = (index: number): Tick => ({ time: T0 + index * 10 })

type StrategyOf = (alignment: AlignmentOptions | undefined) => WatermarkStrategy<Tick>

const monotonous: StrategyOf = (alignment) =>
  boundedOutOfOrderness(0, (one: Tick) => one.time, alignment && { alignment })

const carried: StrategyOf = (alignment) =>
  punctuatedWatermarks(
    (one: Tick) => one.time,
    (one: Tick) => one.time,
    alignment && { alignment },
  )

/** A fast source and a slow one, of the same records, that meet; each a second of event time ahead at most if aligned. */
function meeting(strategyOf: StrategyOf): JobModule {
  return job('meeting', { params: { aligned: param.boolean(true) } }, (env, { aligned }) => {
    const watermarks = strategyOf(aligned ? { group: 'all', maxDrift: '1s' } : undefined)
    const source = (rate: number) => dataGeneratorSource({ count: RECORDS, generate: tick, rate })
    const fast = env.fromSource(source(0), { uid: 'fast', watermarks })
    const slow = env.fromSource(source(200), { uid: 'slow', watermarks })
    meet(fast, slow)
  })
}

/** How many records waited at most; exactly once each of them was counted. */
async function mostKept(meetingJob: JobModule, options: TestJobOptions): Promise<number> {
  const { collected, crashes } = await testJob(meetingJob, options)
  expect(crashes).toHaveLength([options.crashAt ?? []].flat().length)
  const kept = collected['kept'] as readonly number[]
  expect(kept).toHaveLength(RECORDS)
  return Math.max(...kept)
}

describe('alignment of sources', () => {
  describe.each([
    // A second is 100 records; what is read between two looks at the watermark comes to that.
    { name: 'periodic', strategyOf: monotonous, most: 200 },
    { name: 'carried by records', strategyOf: carried, most: 103 },
  ])('with watermarks $name', ({ strategyOf, most }) => {
    const meets = meeting(strategyOf)

    it('bounds what waits for the slow source; without it nothing does (semantics 2.6)', async () => {
      for (const seed of [1, 2, 3]) {
        const parallelism = 1 + (seed % 2)
        expect(await mostKept(meets, { seed, parallelism })).toBeLessThanOrEqual(most)
      }
      expect(await mostKept(meets, { params: { aligned: false } })).toBeGreaterThan(most)
    })

    it('begins anew with each attempt and run, where nobody is ahead of what is not known yet (semantics 2.6)', async () => {
      for (const seed of [1, 2, 3]) {
        const crashAt = ['after-publish:2', { step: 300 }, { step: 200, kind: 'thread', slot: 1 }]
        const options = { seed, parallelism: 2, crashAt } as TestJobOptions
        expect(await mostKept(meets, options)).toBeLessThanOrEqual(most)
      }
    })
  })

  it('does not wait for a source that has ended (semantics 2.6)', async () => {
    const watermarks = carried({ group: 'all', maxDrift: 0 })
    const ending = job('ending', {}, (env) => {
      const short = env.fromSource(collectionSource([tick(0)]), { uid: 'short', watermarks })
      const long = env.fromSource(
        dataGeneratorSource({ count: RECORDS / 2, generate: (i) => tick(i) }),
        { uid: 'long', watermarks },
      )
      short.union(long).sinkTo(collectionSink(), { uid: 'all' })
    })
    for (const parallelism of [1, 3]) {
      const { collected } = await testJob(ending, { parallelism, maxSteps: 30_000 })
      expect(collected['all']).toHaveLength(RECORDS / 2 + 1)
    }
  })

  it('does not wait for an idle source (semantics 2.6)', async () => {
    const pausing = job('pausing', {}, (env) => {
      const row = (id: string, t: number) => ({ id, key: id, n: 0, t })
      const rows = [row('first', T0), row('second', T0), row('third', T0 + 10 * RECORDS)]
      const alignment = { group: 'all', maxDrift: '1s' } as const
      const resting = env.fromSource(
        splitsSource({ splits: [rows], assignEveryMs: 0, fetchRows: 1, fetchMs: 5_000 }),
        {
          uid: 'resting',
          watermarks: monotonousTimestamps(({ t }) => t, { idleTimeout: 500, alignment }),
        },
      )
      const generate = (i: number) => row('busy', T0 + i * 10)
      const busy = env.fromSource(dataGeneratorSource({ count: RECORDS, generate, rate: 100 }), {
        uid: 'busy',
        watermarks: monotonousTimestamps(({ t }) => t, { alignment }),
      })
      resting
        .union(busy)
        .map(({ id }) => id)
        .sinkTo(collectionSink(), { uid: 'all' })
    })
    for (const seed of [1, 2, 3]) {
      const { collected } = await testJob(pausing, { seed })
      const ids = collected['all'] as readonly string[]
      // The second comes after five seconds, in which "busy" has 500 records, if it is held back for a half only.
      expect(ids.indexOf('second')).toBeGreaterThan(350)
      expect(ids).toHaveLength(RECORDS + 3)
    }
  })

  describe('of files', () => {
    let folder: string

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-alignment-'))
    })

    afterEach(() => rm(folder, { recursive: true }))

    it('goes on where more files than can be open hold time back (R11, semantics 2.6)', async () => {
      for (let file = 0; file < 70; file++) {
        const lines = Array.from({ length: 5 }, (_, i) => JSON.stringify(tick(file + i * 100)))
        await writeFile(join(folder, `${100 + file}.jsonl`), lines.join('\n'))
      }
      const watermarks = carried({ group: 'all', maxDrift: '1s' })
      const files = job('files', {}, (env) => {
        const many = env.fromSource(fileSource({ path: folder, format: json<Tick>() }), {
          uid: 'many',
          watermarks,
        })
        const other = env.fromSource(
          dataGeneratorSource({ count: RECORDS, generate: (i) => tick(i) }),
          { uid: 'other', watermarks },
        )
        many.union(other).sinkTo(collectionSink(), { uid: 'all' })
      })
      const { collected } = await testJob(files, { maxSteps: 10_000 })
      expect(collected['all']).toHaveLength(70 * 5 + RECORDS)
    })
  })

  it('is refused where it would come to nothing', () => {
    const alignment = { group: 'all', maxDrift: '1s' } as const
    const behind = job('behind', {}, (env) => {
      env
        .fromSource(collectionSource([tick(0)]), { uid: 'in' })
        .assignTimestampsAndWatermarks(monotonous(alignment), { uid: 'time' })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    expect(() => behind.build({}, { parallelism: 1, maxParallelism: 128 })).toThrow(
      /assignTimestampsAndWatermarks\("time"\) has the option alignment: only sources/,
    )
  })
})
