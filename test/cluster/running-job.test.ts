import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { SAVEPOINT_POINTS } from '../../runtime/failpoint.ts'
import type { JobEvent, RunJobOptions } from '../../runtime/job/job-events.ts'
import { startJob } from '../../runtime/job/run-job.ts'
import type { RunningJob } from '../../runtime/job/running-job.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { cli, CliProcess, ROOT } from './cli-process.ts'
import { expectedRows, jobUrl, rowsOf, run } from './run.ts'

const makeFolder = temporaryFolders()
let folder: string
let dir: string
let out: string

beforeEach(async () => {
  folder = await makeFolder()
  dir = join(folder, 'state')
  out = join(folder, 'out')
})

/** Starts an endless job; resolves when it has taken a checkpoint. */
async function start(options: RunJobOptions = {}): Promise<RunningJob & { events: JobEvent[] }> {
  const events: JobEvent[] = []
  const going = Promise.withResolvers<void>()
  const running = startJob(jobUrl('counting'), {
    dir,
    parallelism: 1,
    checkpointInterval: 50,
    memory: '256mb',
    params: { out, count: 1e9, rate: 500 },
    ...options,
    onEvent: (event) => {
      events.push(event)
      if (event.type === 'checkpoint') going.resolve()
    },
  })
  running.result.catch((error: unknown) => going.reject(error))
  await going.promise
  return { ...running, events }
}

/** What was left out is processed by another run, which goes on from there. */
async function finish(options: RunJobOptions, count: number): Promise<void> {
  const finished = await run(jobUrl('counting'), { params: { out, count }, ...options })
  expect(finished.error).toBeUndefined()
  expect(await rowsOf(out)).toEqual(expectedRows(count))
}

describe('a job started by a program', () => {
  it('takes savepoints, stops with one, and refuses what comes too late (R14)', async () => {
    const running = await start()
    const first = await running.savepoint(join(folder, 'first'))
    expect(first.path).toBe(join(folder, 'first'))
    await writeFile(join(folder, 'file'), '')
    await mkdir(join(folder, 'full/of/things'), { recursive: true })
    for (const path of ['first', 'file', 'full', 'state/counting/checkpoints/mine']) {
      const savepoint = join(folder, path)
      await expect(running.savepoint(savepoint)).rejects.toMatchObject({
        code: 'MR_SAVEPOINT_TARGET',
      })
      await expect(running.stop({ savepoint })).rejects.toMatchObject({
        code: 'MR_SAVEPOINT_TARGET',
      })
    }
    const stopping = running.stop({ savepoint: true })
    const refused = { code: 'MR_JOB_STOPPING' }
    await expect(running.stop({ savepoint: join(folder, 'second') })).rejects.toMatchObject(refused)
    await expect(running.stop()).rejects.toMatchObject(refused)
    expect(await readdir(folder)).not.toContain('second')
    const last = await stopping
    const { status, lastCheckpoint } = await running.result
    expect(status).toBe('stopped')
    expect(lastCheckpoint).toMatchObject({ kind: 'stop', checkpointId: last!.checkpointId })
    expect(last!.path).toBe(join(dir, 'counting/savepoints', `${last!.checkpointId}`))
    await expect(running.savepoint()).rejects.toMatchObject({ code: 'MR_SAVEPOINT_FAILED' })
    expect(running.events.filter(({ type }) => type === 'savepoint')).toHaveLength(2)
    await finish({ dir, from: first.path, output: 'replace' }, 2_000)
    // --fresh moves state aside, but no savepoint.
    await finish({ dir, fresh: true, output: 'replace' }, 500)
    expect(existsSync(join(last!.path, 'manifest.json'))).toBe(true)
  })

  it('stops without a savepoint as well, and is over when that resolves', async () => {
    const running = await start()
    expect(await running.stop()).toBeUndefined()
    expect((await running.result).status).toBe('stopped')
    expect(await readdir(join(dir, 'counting'))).not.toContain('savepoints')
    await finish({ dir }, 2_000)
  })

  it('takes no savepoint any more when it fails, and says why', async () => {
    const running = await start({
      params: { out, count: 1e9, rate: 500, fault: 'value', at: 3_000 },
    })
    const failed = expect(running.result).rejects.toThrow()
    const savepoints = await Promise.allSettled([
      failed,
      running.result.catch(() => running.savepoint()),
    ])
    expect(savepoints[1]).toMatchObject({
      status: 'rejected',
      reason: { code: 'MR_SAVEPOINT_FAILED' },
    })
  })
})

describe('a job that is killed while it takes a savepoint', () => {
  const counting = join(ROOT, 'test/cluster/jobs/counting.ts')

  async function startProcess(point: string): Promise<CliProcess> {
    const params = ['--param', `out=${out}`, '--param', 'count=1000000', '--param', 'rate=500']
    const args = ['--dir', dir, '--checkpoint-interval', '50ms', '--parallelism', '2', '--json']
    const env = { MILLRACE_FAILPOINT: point }
    const child = new CliProcess(['run', counting, ...params, ...args], { cwd: folder, env })
    await child.lineOf('checkpoint')
    return child
  }

  it.each(SAVEPOINT_POINTS.filter((point) => point.startsWith('savepoint')))(
    'at %s leaves a whole savepoint or none, and goes on as if nothing had been',
    async (point) => {
      const child = await startProcess(point)
      const path = join(folder, 'one')
      const verb = point === 'savepoint-copied' ? 'stop' : 'savepoint'
      const command = await cli(verb, 'counting', path, '--dir', dir)
      expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' })
      expect(command.code).toBe(1)
      expect(command.stderr).toContain('error MR_COMMAND_LOST')
      const other = { dir: join(folder, 'other'), parallelism: 2, output: 'replace' } as const
      const isThere = point === 'savepoint-published'
      expect(existsSync(join(path, 'manifest.json'))).toBe(isThere)
      if (isThere) await finish({ ...other, from: path }, 2_000)
      else {
        const refused = await run(jobUrl('counting'), { from: path, params: { out } })
        expect(refused.error).toMatchObject({ code: 'MR_CHECKPOINT_NOT_FOUND' })
        await finish({ dir, parallelism: 2 }, 2_000)
      }
    },
  )

  it('has it all the same when it is the command that is killed', async () => {
    const child = await startProcess('')
    const path = join(folder, 'one')
    const command = new CliProcess(['savepoint', 'counting', path, '--dir', dir])
    await command.until(() => command.stderr.includes('waiting for a checkpoint'))
    command.child.kill('SIGKILL')
    await child.lineOf('savepoint')
    child.child.kill('SIGKILL')
    await child.ended
    const other = { dir: join(folder, 'other'), parallelism: 2, output: 'replace' } as const
    await finish({ ...other, from: path }, 2_000)
  })
})
