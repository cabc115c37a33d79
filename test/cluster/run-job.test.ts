import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EventTimeExplanation } from '../../runtime/event-time.ts'
import { explainEventTime } from '../../runtime/job/explain-event-time.ts'
import type { JobEvent, RunJobOptions } from '../../runtime/job/job-events.ts'
import { runJob } from '../../runtime/job/run-job.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { eventOf, jobUrl, rowsOf, run } from './run.ts'
import { expectFailure } from './told-failure.ts'

const makeFolder = temporaryFolders()
const poolSize = process.env['UV_THREADPOOL_SIZE']
let dir: string

beforeEach(async () => {
  dir = join(await makeFolder(), 'state')
})

afterEach(() => {
  if (poolSize === undefined) delete process.env['UV_THREADPOOL_SIZE']
  else process.env['UV_THREADPOOL_SIZE'] = poolSize
})

describe('running a job from a program', () => {
  it('resolves with status, last checkpoint, metrics and what was collected (N5)', async () => {
    const options = { dir, parallelism: 2, memory: '256mb', params: { count: 50 } }
    const result = await runJob(jobUrl('collecting'), options)
    expect(result).toMatchObject({
      status: 'finished',
      lastCheckpoint: { kind: 'final', checkpointId: 1 },
      metrics: {
        recordsRead: 50,
        recordsWritten: 50,
        checkpoints: 1,
        restarts: 0,
        operators: { numbers: { recordsOut: 50 }, squares: { recordsIn: 50 } },
      },
    })
    const squares = result.collected['squares'] as number[]
    expect([...squares].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i * i))
  })

  it('starts nothing when the signal was aborted before (N5, R14)', async () => {
    const stopped = await run(jobUrl('collecting'), { dir, signal: AbortSignal.abort() })
    expect(stopped.result).toMatchObject({ status: 'stopped', lastCheckpoint: undefined })
    expect(stopped.events.map((event) => event.type)).toEqual(['finished'])
    expect(existsSync(dir)).toBe(false)
  })

  it('ends an endless input when it is stopped with drain: everything is put out, the job is finished (R14, R34)', async () => {
    const out = join(dir, 'out')
    const stop = new AbortController()
    const onEvent = ({ type }: JobEvent): void => {
      if (type === 'checkpoint') stop.abort()
    }
    const params = { out, count: 1e9, rate: 3_000 }
    const options = { dir, params, parallelism: 2, signal: stop.signal, drain: true, onEvent }
    const drained = await run(jobUrl('counting'), options)
    expect(drained.result?.status).toBe('finished')
    expect(eventOf(drained, 'draining')).toBeDefined()
    const rows = await rowsOf(out)
    expect(rows).toHaveLength(drained.result!.metrics.recordsRead)
    expect(rows.filter(({ n, index }) => n !== Math.floor(index / 10) + 1)).toEqual([])
    const again = await run(jobUrl('counting'), { dir, params })
    expect(again.result?.status).toBe('already-finished')
  })

  it('reads one source to its end before the other, over threads (semantics 1.3)', async () => {
    const { collected } = await runJob(jobUrl('rates-first'), { dir, parallelism: 2 })
    const found = collected['found'] as number[]
    expect(found).toHaveLength(5_000)
    expect(found.filter((count) => count !== 200)).toEqual([])
  })

  it('keeps sources together in event time, over threads and to the end (semantics 2.6)', async () => {
    const explained = new Map<string, EventTimeExplanation>()
    const { collected } = await runJob(jobUrl('meeting'), {
      dir,
      parallelism: 2,
      progressInterval: 20,
      onEvent: (event) => {
        if (event.type !== 'progress') return
        for (const one of explainEventTime(event.eventTime)) explained.set(one.operator, one)
      },
    })
    const kept = collected['kept'] as number[]
    expect(kept).toHaveLength(3_000)
    // Twenty, and what the slow source has sent but is still on its way; without alignment nearly all.
    expect(Math.max(...kept)).toBeLessThan(1_000)
    expect([...explained.keys()]).toEqual(['fast', 'slow', 'buffering', 'kept'])
    expect(explained.get('buffering')!.watermark).toBeGreaterThan(0)
  })

  it('is stopped at once while its module is still being imported (R14, N8)', async () => {
    const stop = new AbortController()
    const onEvent: RunJobOptions['onEvent'] = ({ type }) => {
      if (type === 'log') stop.abort()
    }
    const environment = { planningTimeoutMs: 600_000 }
    const options = { dir, signal: stop.signal, onEvent }
    const stopped = await run(jobUrl('loading'), options, environment)
    expect(stopped.result).toMatchObject({ status: 'stopped', metrics: { recordsRead: 0 } })
    expect(stopped.events.map((event) => event.type)).toEqual(['log', 'finished'])
    expect(existsSync(dir)).toBe(false)
  })

  it('says when the thread pool of the process is too small (N14)', async () => {
    for (const [size, isTold] of [
      ['11', true],
      ['12', false],
    ] as const) {
      process.env['UV_THREADPOOL_SIZE'] = size
      const told = await run(jobUrl('collecting'), { dir, parallelism: 2, fresh: true })
      expect(
        eventOf(told, 'started')?.notes.some((note) => note.includes('UV_THREADPOOL_SIZE')),
      ).toBe(isTold)
    }
  })

  it('hands secrets to the job, and stores them nowhere (N4)', async () => {
    const token = 'open-sesame-4711'
    const told = await run(jobUrl('secretive'), { dir, params: { token } })
    expect(told.result?.collected).toEqual({ sums: [1 + token.length, 2 + token.length] })
    expect(JSON.stringify(told.events)).not.toContain(token)
    const names = await readdir(dir, { recursive: true, withFileTypes: true })
    const files = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
    expect(files.some((file) => file.endsWith('manifest.json'))).toBe(true)
    for (const file of files) expect(await readFile(file, 'latin1')).not.toContain(token)
  })

  it('refuses wrong options and parameters, and lists what there is', async () => {
    const options = { dir, parralelism: 2 } as never
    expect((await run(jobUrl('collecting'), options)).error).toMatchObject({
      code: 'MR_OPTION_INVALID',
    })
    const { error } = await run(jobUrl('collecting'), { dir, params: { cuont: 5 } })
    expect(error).toMatchObject({
      code: 'MR_PARAMETER_INVALID',
      message: expect.stringContaining('count'),
    })
    expectFailure(await run(jobUrl('collecting'), { dir, memory: '10mb' }), {
      code: 'MR_OPTION_INVALID',
      where: 'memory is 10 MB for 1 worker thread',
      what: 'which leaves each 7 MB of heap',
      prevents: 'too little to run a job',
      wayOut: 'give at least 54mb',
      exit: 2,
    })
  })
})
