import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  collectionSink,
  collectionSource,
  dataGeneratorSource,
  type DataStream,
  type Duration,
  fileSource,
  job,
  type JobEvent,
  json,
  monotonousTimestamps,
  punctuatedWatermarks,
  type StreamEnvironment,
  tumblingEventTimeWindows,
} from 'millrace'
import { ABORT, at, pause, testJob } from 'millrace/testing'

const T0 = Date.UTC(2024, 4, 1, 12)
const SECONDS = 40

const watermarks = (idleTimeout: Duration) =>
  monotonousTimestamps((time: number) => time, { idleTimeout })

const steady = (env: StreamEnvironment) =>
  env.fromSource(
    dataGeneratorSource({ generate: (i) => T0 + i * 500, rate: 2, count: 2 * SECONDS }),
    { uid: 'steady', watermarks: watermarks('1h') },
  )

function counts(stream: DataStream<number>, uid: string): void {
  stream
    .keyBy(() => 'all')
    .window(tumblingEventTimeWindows('5s'))
    .reduce((one, other) => Math.max(one, other), { uid })
    .sinkTo(collectionSink(), { uid: `${uid}-out` })
}

type Stalled = Extract<JobEvent, { type: 'event-time-stalled' }>
type Resumed = Extract<JobEvent, { type: 'event-time-resumed' }>

async function newsOf(
  graph: (env: StreamEnvironment) => void,
  parallelism = 1,
): Promise<{ stalled: Stalled[]; resumed: Resumed[] }> {
  const { events } = await testJob(job('told', {}, graph), {
    parallelism,
    checkpointInterval: '1h',
  })
  return {
    stalled: events.filter((event) => event.type === 'event-time-stalled'),
    resumed: events.filter((event) => event.type === 'event-time-resumed'),
  }
}

describe('the event-time explainer', () => {
  describe('with a source that has no record for a while', () => {
    const graph = (idleTimeout: Duration) => (env: StreamEnvironment) => {
      const quiet = env.fromSource(collectionSource([T0 + 1_000, pause(30_000), T0 + 60_000]), {
        uid: 'quiet',
        watermarks: watermarks(idleTimeout),
      })
      const all = steady(env).union(quiet)
      counts(all, 'counts')
      counts(all, 'others')
    }

    it('names split and source, and tells when it goes on (R11)', async () => {
      for (const parallelism of [1, 2]) {
        const { stalled, resumed } = await newsOf(graph('45s'), parallelism)
        expect(stalled).toHaveLength(1)
        expect(stalled[0]!.operators).toEqual(['counts', 'others'])
        const { explanation } = stalled[0]!
        expect(explanation).toMatchObject({
          watermark: T0 + 999,
          path: expect.arrayContaining([expect.objectContaining({ operator: 'quiet' })]),
          reason: { kind: 'no-record', splitId: 'collection', lastTimestamp: T0 + 1_000 },
        })
        expect(explanation.text).toMatch(
          /stands at 2024-05-01 12:00:00.999 for 1\d s: input 1 ← "quiet"( #0)?, split collection: no record for 1\d s \(idle in 3\d s\)/,
        )
        expect(resumed).toMatchObject([{ operators: ['counts', 'others'] }])
        expect(resumed[0]!.watermark).toBeGreaterThan(T0 + 10_000)
        expect(resumed[0]!.stoodMs).toBeGreaterThan(25_000)
      }
    })

    it('has nothing to tell where that makes it idle sooner (R11)', async () => {
      expect(await newsOf(graph('5s'))).toEqual({ stalled: [], resumed: [] })
    })
  })

  it('says that a source has no strategy, where timers wait for its time', async () => {
    const { stalled } = await newsOf((env) => {
      const timeless = collectionSource([at(T0, T0), pause(SECONDS * 1_000), at(T0, T0)])
      counts(steady(env).union(env.fromSource(timeless, { uid: 'timeless' })), 'counts')
    })
    expect(stalled).toHaveLength(1)
    expect(stalled[0]!.explanation).toMatchObject({
      watermark: -Infinity,
      path: [{ over: 1, operator: 'timeless' }],
      reason: { kind: 'no-strategy' },
    })
  })

  it('says nothing of operators that no timer waits in', async () => {
    const { stalled } = await newsOf((env) => {
      const timeless = collectionSource([at(T0, T0), pause(SECONDS * 1_000), at(T0, T0)])
      steady(env)
        .union(env.fromSource(timeless, { uid: 'timeless' }))
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    expect(stalled).toEqual([])
  })

  it('goes from a source that alignment pauses to the one that it has to wait for', async () => {
    const { stalled } = await newsOf((env) => {
      const aligned = (rate: number, uid: string) =>
        env.fromSource(
          dataGeneratorSource({ generate: (i) => T0 + i * 1_000, rate, count: 60 * rate }),
          {
            uid,
            watermarks: monotonousTimestamps((time: number) => time, {
              idleTimeout: '1h',
              alignment: { group: 'pair', maxDrift: '2s' },
            }),
          },
        )
      counts(aligned(4, 'fast').union(steady(env)), 'counts')
      aligned(0.05, 'slow').sinkTo(collectionSink(), { uid: 'slow-out' })
    })
    const { text } = stalled[0]!.explanation
    expect(text).toMatch(
      /^"counts" stands at .*: input 1 ← "fast", paused by alignment with "slow", split generator-0: no record for \d+ s \(idle in 59 min/,
    )
  })

  it('says that a generator within the job makes no watermark', async () => {
    const { stalled } = await newsOf((env) => {
      const marked = punctuatedWatermarks(
        () => undefined,
        (time: number) => time,
      )
      counts(
        steady(env).rebalance().assignTimestampsAndWatermarks(marked, { uid: 'marked' }),
        'counts',
      )
    })
    expect(stalled[0]!.explanation.text).toMatch(
      /^"counts" has no event time after 1\d s: input 1 ← "marked": its watermark generator has /,
    )
  })

  it('names the subtask, and all operators on the way to it', async () => {
    const { stalled } = await newsOf((env) => {
      // Each subtask takes every second index.
      const halved = punctuatedWatermarks(
        (time: number) => ((time / 500) % 2 === 0 ? time : undefined),
        (time: number) => time,
      )
      const source = dataGeneratorSource({ generate: (i) => T0 + i * 500, rate: 8, count: 160 })
      const passed = env
        .fromSource(source, { uid: 'halved', watermarks: halved })
        .map((time) => time)
      counts(passed, 'counts')
    }, 2)
    expect(stalled[0]!.explanation).toMatchObject({
      path: [
        { over: 1, operator: expect.stringMatching(/^map/), subtask: 1 },
        { over: 'chain', operator: 'halved', subtask: 1 },
      ],
      reason: { kind: 'no-watermark-yet', splitId: 'generator-1' },
    })
  })

  it('begins anew with each attempt', async () => {
    const { stalled, resumed } = await newsOf((env) => {
      const broken = collectionSource([T0, pause(15_000), ABORT, pause(15_000), T0 + 90_000])
      counts(
        steady(env).union(env.fromSource(broken, { uid: 'broken', watermarks: watermarks('1h') })),
        'counts',
      )
    })
    // Within a minute, but of two attempts.
    expect(stalled.map((one) => one.explanation.reason.kind)).toEqual(['no-record', 'no-record'])
    expect(resumed).toHaveLength(1)
  })

  describe('with files', () => {
    let folder: string

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-explainer-'))
    })

    afterEach(() => rm(folder, { recursive: true }))

    it('says that most of many files have had no record yet, at a small rate (R11)', async () => {
      for (let file = 0; file < 10; file++) {
        const lines = Array.from({ length: 3 }, (_, i) => String(T0 + file + i * 1_000))
        await writeFile(join(folder, `${file}.jsonl`), lines.join('\n'))
      }
      const { stalled } = await newsOf((env) => {
        const files = fileSource({ path: folder, format: json<number>(), rate: 0.5 })
        counts(env.fromSource(files, { uid: 'files', watermarks: watermarks('1m') }), 'counts')
      })
      expect(stalled[0]!.explanation.text).toMatch(
        /^"counts" has no event time after 1\d s: input 1 ← "files", split .*\/\d\.jsonl and \d more of \d+: no record yet$/,
      )
    })
  })
})
