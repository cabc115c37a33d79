import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { eventOf, expectedRows, jobUrl, rowsOf, type Run, run } from './run.ts'
import { expectFailure } from './told-failure.ts'

const makeFolder = temporaryFolders()
const COUNT = 600
let folder: string
let out: string

beforeEach(async () => {
  folder = await makeFolder()
  out = join(folder, 'out')
})

function count(options: RunJobOptions = {}, params: Record<string, unknown> = {}): Promise<Run> {
  const all = { out, count: COUNT, ...params }
  return run(jobUrl('counting'), { dir: join(folder, 'state'), ...options, params: all })
}

/** Runs until two checkpoints are there, then stops. */
async function stopInTheMiddle(options: RunJobOptions = {}): Promise<Run> {
  const stop = new AbortController()
  let checkpoints = 0
  const stopped = await count(
    {
      ...options,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'checkpoint' && ++checkpoints === 2) stop.abort()
      },
    },
    { rate: 300 },
  )
  expect(stopped.error).toBeUndefined()
  expect(stopped.result?.status).toBe('stopped')
  return stopped
}

describe('what a run goes on from', () => {
  it('finishes, and says so when it is run again, without doing anything (R34)', async () => {
    const first = await count({ parallelism: 2 })
    expect(first.error).toBeUndefined()
    expect(first.result).toMatchObject({ status: 'finished', lastCheckpoint: { kind: 'final' } })
    expect(eventOf(first, 'started')).toMatchObject({
      mode: 'fresh',
      restored: undefined,
      parallelism: 2,
    })
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
    const files = await readdir(out)
    const again = await count({ parallelism: 2 })
    expect(again.result).toMatchObject({ status: 'already-finished', metrics: { recordsRead: 0 } })
    expect(eventOf(again, 'started')?.mode).toBe('already-finished')
    expect(eventOf(again, 'running')).toBeUndefined()
    expect(await readdir(out)).toEqual(files)
  })

  it('stops with a last checkpoint and goes on from there, with equal output (R14, R2, N22)', async () => {
    const stopped = await stopInTheMiddle({ parallelism: 2 })
    const { lineage, checkpointId, path } = stopped.result!.lastCheckpoint!
    expect(stopped.result?.lastCheckpoint?.kind).toBe('stop')
    expect(await readdir(dirname(path))).toContain('manifest.json')
    const before = await rowsOf(out)
    expect(before.length).toBeGreaterThan(0)
    expect(before.length).toBeLessThan(COUNT)
    const resumed = await count({ parallelism: undefined as never })
    expect(resumed.error).toBeUndefined()
    expect(eventOf(resumed, 'started')).toMatchObject({
      mode: 'resumed',
      lineage,
      parallelism: 2,
      restored: { lineage, checkpointId },
    })
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('lists changed parameters, and refuses another output (R5)', async () => {
    const { lineage, checkpointId } = (await stopInTheMiddle()).result!.lastCheckpoint!
    const elsewhere = join(folder, 'elsewhere')
    expectFailure(await count({}, { out: elsewhere }), {
      code: 'MR_IDENTITY_CHANGED',
      where: `Checkpoint ${checkpointId} of lineage ${lineage}`,
      what: `"out" had directory = ${out}, now it is ${elsewhere}`,
      prevents: 'positions and committed output belong to the old one',
      wayOut: 'set it back, or start with --fresh',
    })
    const resumed = await count({}, { count: COUNT, rate: 0 })
    expect(eventOf(resumed, 'started')?.notes).toContain('parameter rate was 300, is now 0')
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('begins a lineage from a checkpoint, which --from repeated and a plain run resume (R1, R2)', async () => {
    const stopped = await stopInTheMiddle()
    const snapshot = stopped.result!.lastCheckpoint!
    const from = dirname(snapshot.path)
    const stop = new AbortController()
    const begun = await count({
      from,
      signal: stop.signal,
      onEvent: (event) => void (event.type === 'running' && stop.abort()),
    })
    expect(begun.error).toBeUndefined()
    const { lineage } = eventOf(begun, 'started')!
    expect(lineage).not.toBe(snapshot.lineage)
    expect(eventOf(begun, 'started')).toMatchObject({
      mode: 'from',
      restored: { lineage: snapshot.lineage, checkpointId: snapshot.checkpointId },
    })
    const repeated = await count({ from })
    expect(eventOf(repeated, 'started')).toMatchObject({ mode: 'resumed', lineage })
    expect(eventOf(repeated, 'started')?.notes[0]).toContain(`--from ${from} began`)
    expect(repeated.result?.status).toBe('finished')
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
    expect((await count()).result?.status).toBe('already-finished')
  })

  it('refuses later output of the lineage that it began from, unless it may replace that (R2)', async () => {
    const stopped = await stopInTheMiddle()
    const from = dirname(stopped.result!.lastCheckpoint!.path)
    expect((await count()).result?.status).toBe('finished')
    const refused = await count({ from })
    expect(refused.error).toMatchObject({ code: 'MR_OUTPUT_CONFLICT' })
    // The lineage that has ended is still the one that a plain run resumes.
    expect((await count()).result?.status).toBe('already-finished')
    const replaced = await count({ from, output: 'replace' })
    expect(replaced.error).toBeUndefined()
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('starts anew with --fresh, moves old state aside, and refuses to mix output (R1, R2, N23)', async () => {
    await stopInTheMiddle()
    const refused = await count({ fresh: true })
    expect(refused.error).toMatchObject({ code: 'MR_OUTPUT_CONFLICT' })
    expect(eventOf(refused, 'started')).toBeUndefined()
    expect(await readdir(join(folder, 'state/counting'))).not.toContain('old')
    const anew = await count({ fresh: true, output: 'replace' })
    expect(anew.error).toBeUndefined()
    expect(eventOf(anew, 'started')).toMatchObject({ mode: 'fresh', restored: undefined })
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
    expect(await readdir(join(folder, 'state/counting/old'))).toEqual(['1'])
    expect(await readdir(join(folder, 'state/counting'))).not.toContain('work')
  })

  it('leaves the directory as it was when it is refused', async () => {
    const stopped = await stopInTheMiddle()
    const refused = await count({ fresh: true }, { count: 'many' })
    expect(refused.error).toMatchObject({ code: 'MR_PARAMETER_INVALID' })
    expect((await count({ fresh: true })).error).toMatchObject({ code: 'MR_OUTPUT_CONFLICT' })
    const resumed = await count()
    expect(eventOf(resumed, 'started')?.lineage).toBe(stopped.result!.lastCheckpoint!.lineage)
  })
})
