import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ABORT, at, collectionSource, pause } from '../../connectors/collection-source.ts'
import { collectionSink } from '../../connectors/collection-sink.ts'
import { dataGeneratorSource } from '../../connectors/datagen-source.ts'
import { fileSink } from '../../connectors/file-sink.ts'
import { fileSource } from '../../connectors/file-source.ts'
import { json } from '../../connectors/json-format.ts'
import { printSink } from '../../connectors/print-sink.ts'
import type { Out } from '../../operators/collector.ts'
import { job } from '../../operators/job.ts'
import { param } from '../../operators/param.ts'
import { processFunction } from '../../operators/process.ts'
import { monotonousTimestamps } from '../../operators/watermarks.ts'
import type { AggregateFunction } from '../../operators/window/aggregate-function.ts'
import { tumblingEventTimeWindows } from '../../operators/window/tumbling-windows.ts'
import { valueState } from '../../runtime/state/state.ts'
import { testJob } from '../../testing/test-job.ts'
import type { CrashPoint } from '../../testing/crash-plan.ts'

const T0 = 1_700_000_000_000

/** Running sums of numbers by their remainder, over two subtasks or more. */
const sums = job('sums', { params: { count: param.number(200) } }, (env, params) => {
  const numbers = Array.from({ length: params.count }, (_, n) => n)
  env
    .fromSource(collectionSource(numbers), {
      uid: 'numbers',
      watermarks: monotonousTimestamps((n) => T0 + n),
    })
    .keyBy((n) => n % 4)
    .process(
      processFunction({
        state: { sum: valueState<number>() },
        processElement(n: number, ctx, out: Out<[number, number]>) {
          const sum = (ctx.state.sum.value() ?? 0) + n
          ctx.state.sum.update(sum)
          out.emit([n, sum])
        },
      }),
      { uid: 'sum' },
    )
    .sinkTo(collectionSink(), { uid: 'sums' })
})

function expectedSums(count: number): [number, number][] {
  const totals = [0, 0, 0, 0]
  return Array.from({ length: count }, (_, n) => [n, (totals[n % 4]! += n)])
}

const count: AggregateFunction<number, number, number> = {
  create: () => 0,
  add: (soFar) => soFar + 1,
  result: (total) => total,
}

/** Of two finished files the one of the earlier checkpoint first. */
function byCheckpoint(a: string, b: string): number {
  return Number(a.split('-')[2]) - Number(b.split('-')[2])
}

function sorted(values: readonly unknown[] | undefined): unknown[] {
  return [...(values as [number, number][])].sort(([a], [b]) => a - b)
}

describe('testJob', () => {
  it('leaves the sources, and collects what goes into every sink, with inputs that are empty (R40)', async () => {
    const both = job('both', {}, (env) => {
      const numbers = env.fromSource(collectionSource([1, 2]), { uid: 'numbers' })
      numbers.sinkTo(collectionSink(), { uid: 'kept' })
      numbers.sinkTo(printSink(), { uid: 'printed' })
    })
    const { collected } = await testJob(both, { inputs: {} })
    expect(collected).toEqual({ kept: [1, 2], printed: [1, 2] })
  })

  it('refuses a crash point that does not exist, as the test would pass without a crash (R40)', async () => {
    const wrong = [
      'before-publsh',
      'before-commit:0',
      'before-commit:x',
      { step: 1.5 },
      { step: 1, kind: 'proces' },
      { step: 1, kind: 'thread' },
      undefined,
    ]
    for (const point of wrong) {
      await expect(testJob(sums, { crashAt: [point as CrashPoint] })).rejects.toMatchObject({
        code: 'MR_TEST_INVALID',
      })
    }
  })

  it('runs a job to its end and gives what its sinks have committed', async () => {
    const result = await testJob(sums, { params: { count: '12' }, parallelism: 2 })
    expect(sorted(result.collected['sums'])).toEqual(expectedSums(12))
    expect(result.crashes).toEqual([])
    expect(result.metrics.recordsRead).toBe(12)
    expect(result.events.map(({ type }) => type)).toContain('checkpoint')
  })

  it('does the same for the same seed, crashes included, and something else for another (R40)', async () => {
    const options = { parallelism: 2, crashAt: ['after-publish', { step: 20 }] } as const
    const [one, again, other] = [
      await testJob(sums, { ...options, seed: 5 }),
      await testJob(sums, { ...options, seed: 5 }),
      await testJob(sums, { ...options, seed: 6 }),
    ]
    expect(again.trace).toEqual(one.trace)
    expect(again.collected).toEqual(one.collected)
    expect(one.crashes).toHaveLength(2)
    expect(other.trace).not.toEqual(one.trace)
    expect(sorted(other.collected['sums'])).toEqual(expectedSums(200))
  })

  it('crashes the n-th time a point is reached, and goes on as the next run would (R40)', async () => {
    const result = await testJob(sums, {
      seed: 3,
      checkpointInterval: '5ms',
      crashAt: ['after-publish:2', 'before-commit'],
    })
    expect(result.crashes.map(({ point }) => point)).toEqual(['after-publish:2', 'before-commit'])
    const started = result.events.filter((event) => event.type === 'started')
    expect(started.map(({ mode, restored }) => [mode, restored?.checkpointId])).toEqual([
      ['fresh', undefined],
      ['resumed', 2],
      ['resumed', expect.any(Number)],
    ])
    expect(sorted(result.collected['sums'])).toEqual(expectedSums(200))
  })

  it('loses a thread and restarts by itself; stops at a step and goes on (R14, R36)', async () => {
    const result = await testJob(sums, {
      parallelism: 2,
      checkpointInterval: 5,
      crashAt: [
        { step: 60, kind: 'thread', slot: 1 },
        { step: 60, kind: 'stop' },
      ],
    })
    const types = result.events.map(({ type }) => type)
    expect(types.filter((type) => type === 'started')).toHaveLength(2)
    expect(types.filter((type) => type === 'restarting')).toHaveLength(1)
    expect(types.filter((type) => type === 'stopping')).toHaveLength(1)
    expect(sorted(result.collected['sums'])).toEqual(expectedSums(200))
  })

  it('refuses an empty list of parallelisms (R40)', async () => {
    await expect(testJob(sums, { parallelism: [] })).rejects.toThrow(
      expect.objectContaining({ code: 'MR_TEST_INVALID' }),
    )
  })

  it('goes on at the next parallelism after what ends a process, at the same one after what does not (R12)', async () => {
    const { collected, crashes, events } = await testJob(sums, {
      parallelism: [2, 3, 1],
      crashAt: [
        { step: 300, kind: 'thread', slot: 1 },
        { step: 60, kind: 'stop' },
        { step: 300, kind: 'process' },
        { step: 100, kind: 'process' },
      ],
    })
    expect(crashes).toHaveLength(4)
    expect(collected['sums']).toHaveLength(200)
    expect(collected['sums']).toEqual(expect.arrayContaining(expectedSums(200)))
    const started = events.filter((event) => event.type === 'started')
    expect(started.map(({ parallelism }) => parallelism)).toEqual([2, 3, 1, 1])
    expect(started[1]!.notes).toEqual(['parallelism 2 → 3'])
  })

  it('drains an endless input: windows fire, the job is finished, through a crash too (R14, R34)', async () => {
    const endless = job('endless', {}, (env) => {
      const watermarks = monotonousTimestamps((n: number) => T0 + n)
      env
        .fromSource(dataGeneratorSource({ generate: (n) => n, rate: 5_000 }), {
          uid: 'numbers',
          watermarks,
        })
        .keyBy((n) => n % 3)
        .window(tumblingEventTimeWindows('1h'))
        .aggregate(count, { uid: 'counts' })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    for (const crashAt of [[], [{ step: 30 }]]) {
      const result = await testJob(endless, {
        parallelism: 2,
        crashAt: [...crashAt, { step: 200, kind: 'drain' }, ...crashAt],
      })
      const types = result.events.map(({ type }) => type)
      expect(types).toContain('draining')
      expect(types).not.toContain('stopping')
      // Nothing but the end of the input closes a window of an hour.
      const counts = result.collected['out'] as number[]
      expect(counts).toHaveLength(3)
      expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(20)
      if (crashAt.length === 0) {
        expect(counts.reduce((a, b) => a + b)).toBe(result.metrics.recordsRead)
      }
    }
  })

  it('leaves a point that is never reached out of the crashes', async () => {
    const result = await testJob(sums, { crashAt: 'after-publish:1000' })
    expect(result.crashes).toEqual([])
  })

  it('goes on from the disk of an earlier result: a finished job does nothing (R34)', async () => {
    const first = await testJob(sums)
    const second = await testJob(sums, { disk: first.disk })
    expect(second.collected).toEqual({ sums: [] })
    expect(second.events.filter(({ type }) => type === 'running')).toEqual([])
  })

  it('restarts at abort markers, waits at pauses, and shows what is printed', async () => {
    const marked = job('marked', {}, (env) => {
      const values = [at('a', T0), pause(100), 'b', ABORT, 'c']
      env
        .fromSource(collectionSource<string>(values), { uid: 'letters' })
        .sinkTo(printSink(), { uid: 'out' })
    })
    const { events, collected } = await testJob(marked)
    const lines = events.flatMap((event) => (event.type === 'print' ? [event.lines] : []))
    expect(lines.join('')).toContain('c')
    expect(events.some(({ type }) => type === 'restarting')).toBe(true)
    // What is printed is not collected, and an empty list would look like no output.
    expect(collected).toEqual({})
  })

  it('reads and writes the real files of a job', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-test-job-'))
    const rows = Array.from({ length: 500 }, (_, n) => `{"n":${n}}\n`)
    await writeFile(join(folder, 'in.jsonl'), rows.join(''))
    const files = job('files', {}, (env) => {
      env
        .fromSource(fileSource({ path: join(folder, 'in.jsonl'), format: json<{ n: number }>() }), {
          uid: 'in',
        })
        .sinkTo(fileSink({ dir: join(folder, 'out'), format: json() }), { uid: 'out' })
    })
    await testJob(files, { seed: 7, checkpointInterval: '5ms' })
    const names = (await readdir(join(folder, 'out'))).sort(byCheckpoint)
    const texts = await Promise.all(
      names.map((name) => readFile(join(folder, 'out', name), 'utf8')),
    )
    expect(names.filter((name) => name.startsWith('.'))).toEqual([])
    expect(texts.join('')).toBe(rows.join(''))
    await rm(folder, { recursive: true })
  })

  it('fails with what the job fails with', async () => {
    const failing = job('failing', {}, (env) => {
      env
        .fromSource(collectionSource([1]), { uid: 'one' })
        .map((): never => {
          throw new RangeError('no such number')
        })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    await expect(testJob(failing)).rejects.toMatchObject({
      code: 'MR_FUNCTION_FAILED',
      message: expect.stringContaining('no such number') as string,
    })
  })

  it('says so when a job never ends', async () => {
    const endless = job('endless', {}, (env) => {
      env
        .fromSource(dataGeneratorSource({ generate: (index) => index, rate: 1_000 }), {
          uid: 'numbers',
        })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    await expect(testJob(endless, { maxSteps: 3_000 })).rejects.toMatchObject({
      code: 'MR_TEST_ENDLESS',
      message: expect.stringMatching(
        /job "endless" has not ended after 3000 steps.*has read \d+ records.*bounded/,
      ) as string,
    })
  })

  it('refuses parameters that the job does not have', async () => {
    await expect(testJob(sums, { params: { cuont: 1 } })).rejects.toMatchObject({
      code: 'MR_PARAMETER_INVALID',
    })
  })
})
