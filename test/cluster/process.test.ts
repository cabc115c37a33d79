import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { RunningProcess } from './process.ts'
import { eventOf, expectedRows, jobUrl, rowsOf, run } from './run.ts'
import { expectFailure } from './told-failure.ts'

const makeFolder = temporaryFolders()
const COUNT = 600
let options: RunJobOptions
let out: string
const running: RunningProcess[] = []

beforeEach(async () => {
  const folder = await makeFolder()
  out = join(folder, 'out')
  const params = { out, count: COUNT, rate: 2_000 }
  options = {
    dir: join(folder, 'state'),
    params,
    parallelism: 1,
    checkpointInterval: 50,
    memory: '256mb',
  }
})

afterEach(async () => {
  for (const one of running.splice(0)) await one.kill()
})

function start(changes: RunJobOptions = {}, env: Record<string, string> = {}): RunningProcess {
  const one = new RunningProcess(jobUrl('counting'), { ...options, ...changes }, env)
  running.push(one)
  return one
}

describe('a process', () => {
  it('keeps others out while it lives, and frees the directory when it is killed (R4)', async () => {
    const first = start({ params: { ...options.params, count: 1e9, rate: 20 } })
    await first.until('checkpoint')
    const second = await run(jobUrl('counting'), options)
    expectFailure(second, {
      code: 'MR_DIRECTORY_LOCKED',
      where: join(options.dir!, 'counting/lock'),
      what: `another run of this job is using the directory (process ${first.child.pid})`,
      prevents: 'two at once would put output out twice',
      wayOut: 'wait for it to end, stop it, or give this one another --dir',
    })
    await first.kill()
    const third = await run(jobUrl('counting'), {
      ...options,
      params: { ...options.params, rate: 0 },
    })
    expect(third.error).toBeUndefined()
    expect(eventOf(third, 'started')?.mode).toBe('resumed')
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('that is killed after its final checkpoint leaves commits to the next run, which emits nothing (R34)', async () => {
    const killed = start(
      { checkpointInterval: '1h', params: { ...options.params, rate: 0 } },
      { MILLRACE_FAILPOINT: 'after-publish' },
    )
    await killed.ended
    expect(killed.told.map((one) => one.type)).not.toContain('ended')
    expect(await rowsOf(out)).toEqual([])
    const next = await run(jobUrl('counting'), {
      ...options,
      params: { ...options.params, rate: 0 },
    })
    expect(next.result?.status).toBe('already-finished')
    expect(eventOf(next, 'started')?.mode).toBe('already-finished')
    expect(eventOf(next, 'running')).toBeUndefined()
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
    const last = await run(jobUrl('counting'), {
      ...options,
      params: { ...options.params, rate: 0 },
    })
    expect(last.result?.status).toBe('already-finished')
  })

  it('ends by itself when the run is over, and leaves no working state (R37)', async () => {
    const one = start({ params: { ...options.params, rate: 0 } })
    await one.ended
    expect(one.told.at(-1)).toEqual({ type: 'ended', status: 'finished' })
    expect(one.child.exitCode).toBe(0)
    expect(await readdir(join(options.dir!, 'counting'))).not.toContain('work')
  })
})
