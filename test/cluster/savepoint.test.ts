import { existsSync } from 'node:fs'
import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileStorage } from '../../runtime/checkpoint/file-storage.ts'
import type { CheckpointManifest } from '../../runtime/checkpoint/manifest.ts'
import { nodeFileSystem } from '../../runtime/file-system.ts'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { takeJobLock } from '../../runtime/job/job-lock.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { cli, CliProcess, ROOT } from './cli-process.ts'
import { eventOf, expectedRows, jobUrl, rowsOf, type Run, run } from './run.ts'

const makeFolder = temporaryFolders()
const counting = join(ROOT, 'test/cluster/jobs/counting.ts')
const COUNT = 3_000
let folder: string
let dir: string
let out: string
let running: CliProcess[]

beforeEach(async () => {
  folder = await makeFolder()
  dir = join(folder, 'state')
  out = join(folder, 'out')
  running = []
})

afterEach(async () => {
  for (const one of running) {
    one.child.kill('SIGKILL')
    await one.ended
  }
})

/** Starts the counting job, endless unless it is told otherwise, and waits for its first checkpoint. */
async function startCounting(...more: string[]): Promise<CliProcess> {
  const args = ['--dir', dir, '--param', `out=${out}`, '--checkpoint-interval', '50ms', '--json']
  const child = new CliProcess(
    ['run', counting, '--parallelism', '2', '--param', 'count=1000000', ...args, ...more],
    { cwd: folder },
  )
  running.push(child)
  await child.lineOf('checkpoint')
  return child
}

/** The rows that all runs together have committed are those of an uninterrupted one. */
async function finishFrom(options: RunJobOptions): Promise<void> {
  const finished = await run(jobUrl('counting'), {
    dir: join(folder, 'other'),
    parallelism: 2,
    params: { out, count: COUNT },
    ...options,
  })
  expect(finished.error).toBeUndefined()
  expect(finished.result?.status).toBe('finished')
  expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
}

/** All that windows have counted. */
async function countsIn(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('part-'))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const counts = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
  return counts.reduce((sum, line) => sum + Number(line), 0)
}

describe('a savepoint by command', () => {
  it('stands alone: taken by name beside the running job, moved, and started from (R2, R24)', async () => {
    const child = await startCounting('--param', 'rate=500')
    const taken = await cli('savepoint', 'counting', '--dir', dir, '--json')
    expect(taken.code).toBe(0)
    const { path } = JSON.parse(taken.stdout) as { path: string }
    expect(path).toMatch(new RegExp(`^${join(dir, 'counting/savepoints')}/\\d+$`))
    expect(taken.stdout).toBe(`${JSON.stringify({ path })}\n`)
    expect((await readdir(path)).sort()).toEqual(['manifest.json', 'number-0.seg', 'number-1.seg'])
    // The job goes on.
    const before = child.lines.filter(({ type }) => type === 'checkpoint').length
    await child.lineOf('checkpoint', before + 2)
    child.child.kill('SIGKILL')
    await child.ended
    const moved = join(folder, 'moved')
    await rename(path, moved)
    await finishFrom({ from: moved, output: 'replace' })
    expect((await readdir(moved)).sort()).toEqual(['manifest.json', 'number-0.seg', 'number-1.seg'])
  })

  it('stops the job, which goes on from the same snapshot by itself or with --from (R14)', async () => {
    const child = await startCounting('--param', 'rate=500')
    const path = join(folder, 'backup/one')
    const stopped = await cli('stop', counting, path, '--dir', dir)
    expect(stopped.stderr).toContain('waiting for a checkpoint')
    expect(stopped.stdout).toBe(`${path}\n`)
    expect(stopped.code).toBe(0)
    // The lock is free by then, whether or not the process is still ending.
    const state = join(dir, 'counting')
    const lock = await takeJobLock(join(state, 'lock'), join(state, 'holder'))
    await lock.release()
    expect(existsSync(join(state, 'control.json'))).toBe(false)
    expect(await child.ended).toEqual({ code: 0, signal: null })
    const last = child.lines.findLast(({ type }) => type === 'checkpoint')!
    expect(last['kind']).toBe('stop')
    expect(child.lines.at(-1)).toMatchObject({ type: 'finished', status: 'stopped' })
    expect(child.lines.find(({ type }) => type === 'savepoint')).toMatchObject({
      path,
      checkpointId: last['checkpointId'],
    })
    await finishFrom({ from: path, output: 'replace' })
  })

  it('of a drained job has the watermarks from before: later input is not late to it (R12, semantics 2.6)', async () => {
    const params = ['--param', `out=${out}`, '--param', 'count=1000000', '--param', 'rate=2000']
    const args = ['--dir', dir, '--checkpoint-interval', '50ms', '--parallelism', '2', '--json']
    const child = new CliProcess([
      'run',
      join(ROOT, 'test/cluster/jobs/windows.ts'),
      ...params,
      ...args,
    ])
    running.push(child)
    await child.lineOf('checkpoint', 2)
    const path = join(folder, 'drained')
    const stopped = await cli('stop', 'windows', path, '--drain', '--dir', dir)
    expect(stopped).toMatchObject({ code: 0, stdout: `${path}\n` })
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(child.lines.at(-1)).toMatchObject({ type: 'finished', status: 'finished' })
    const early = await countsIn(out)
    expect(early).toBeGreaterThan(0)
    // By itself the job has ended; what starts from the savepoint goes on.
    const over = await run(jobUrl('windows'), { dir, params: { out, count: COUNT } })
    expect(over.result?.status).toBe('already-finished')
    const count = early + 1_000
    const later = await run(jobUrl('windows'), {
      dir: join(folder, 'other'),
      from: path,
      parallelism: 2,
      params: { out, count },
    })
    expect(later.error).toBeUndefined()
    expect(later.result).toMatchObject({ status: 'finished', metrics: { recordsRead: 1_000 } })
    expect(await countsIn(out)).toBe(count)
  })

  it('stays as it is unless it is claimed: then it is the first checkpoint, whose chains go on (R2, R27, R28)', async () => {
    const child = await startCounting('--param', 'rate=500')
    const path = join(folder, 'one')
    expect((await cli('stop', 'counting', path, '--dir', dir)).code).toBe(0)
    await child.ended
    const first = async (options: RunJobOptions): Promise<[Run, CheckpointManifest]> => {
      const stop = new AbortController()
      const begun = await run(jobUrl('counting'), {
        from: path,
        parallelism: 2,
        params: { out, count: 1e6, rate: 500 },
        output: 'replace',
        signal: stop.signal,
        ...options,
        onEvent: (event) => void (event.type === 'checkpoint' && stop.abort()),
      })
      expect(begun.error).toBeUndefined()
      const { directory, lineage } = eventOf(begun, 'started')!
      const { checkpointId } = eventOf(begun, 'checkpoint')!
      const storage = createFileStorage({
        directory: join(directory, 'checkpoints', lineage),
        fileSystem: nodeFileSystem,
      })
      return [begun, await storage.readManifest(checkpointId)]
    }
    const lengths = ({ subtasks }: CheckpointManifest): number[] =>
      subtasks.map(({ segments }) => segments.length).filter((length) => length > 0)

    const [, own] = await first({ dir: join(folder, 'unclaimed') })
    expect(lengths(own)).toEqual([1, 1])
    expect(await readdir(path)).toContain('manifest.json')

    const claimed = join(folder, 'claimed')
    const [begun, next] = await first({ dir: claimed, claim: true })
    expect(lengths(next)).toEqual([2, 2])
    expect(eventOf(begun, 'started')!.notes.join()).toContain(`${path} was taken over`)
    expect(existsSync(path)).toBe(false)
    // A supervisor repeats the command; the lineage is known by the place where the savepoint was.
    await finishFrom({ dir: claimed, from: path, claim: true, output: 'replace' })
  })

  it('has nobody to do it where the job does not run (exit code 1)', async () => {
    const nowhere = await cli('savepoint', 'counting', '--dir', dir)
    expect(nowhere.code).toBe(1)
    expect(nowhere.stderr).toContain('error MR_JOB_NOT_RUNNING')
    const child = await startCounting('--param', 'rate=500')
    const other = await cli('stop', 'countin', '--dir', dir)
    expect(other.code).toBe(1)
    expect(other.stderr).toContain('there is state of counting')
    child.child.kill('SIGKILL')
    await child.ended
    expect(existsSync(join(dir, 'counting/control.json'))).toBe(true)
    const dead = await cli('stop', 'counting', '--dir', dir, '--json')
    expect(dead.code).toBe(1)
    expect(dead.lines).toMatchObject([{ type: 'error', code: 'MR_JOB_NOT_RUNNING' }])
  })
})
