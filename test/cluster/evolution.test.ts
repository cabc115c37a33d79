import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import { checkJob } from '../../runtime/job/check-job.ts'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { FakeHost } from '../cli/fake-host.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { eventOf, expectedRows, jobUrl, rowsOf, type Run, run } from './run.ts'

const makeFolder = temporaryFolders()
const COUNT = 600
let folder: string
let out: string
let dir: string

beforeEach(async () => {
  folder = await makeFolder()
  out = join(folder, 'out')
  dir = join(folder, 'state')
})

type Params = Readonly<Record<string, unknown>>

function start(version: 'before' | 'after', options: RunJobOptions = {}, params: Params = {}) {
  const all = { out, count: COUNT, ...params }
  return run(jobUrl(`evolving-${version}`), { dir, ...options, params: all })
}

/** Runs for two checkpoints, then stops. */
async function stopInTheMiddle(
  version: 'before' | 'after',
  options: RunJobOptions = {},
): Promise<Run> {
  const stop = new AbortController()
  let seen = 0
  const onEvent: RunJobOptions['onEvent'] = (event) => {
    if (event.type === 'checkpoint' && ++seen === 2) stop.abort()
  }
  const stopped = await start(version, { ...options, signal: stop.signal, onEvent }, { rate: 300 })
  expect(stopped.error).toBeUndefined()
  expect(stopped.result?.status).toBe('stopped')
  return stopped
}

async function check(version: 'before' | 'after', ...flags: string[]) {
  const host = new FakeHost()
  const job = fileURLToPath(jobUrl(`evolving-${version}`))
  const params = ['--param', `out=${out}`, '--dir', dir]
  const code = await runCommand(['check', job, ...params, ...flags], host)
  return { code, text: host.stdout.text, told: host.stderr.text }
}

describe('a job that was edited between two runs', () => {
  it('goes on with other uids, values of another shape and another parallelism, exactly (R5, R12, R24)', async () => {
    await stopInTheMiddle('before', { parallelism: 2 })
    const stopped = await stopInTheMiddle('after', { parallelism: 3 })
    expect(eventOf(stopped, 'started')?.notes).toEqual(
      expect.arrayContaining(['"number" is now "numbered"', 'parallelism 2 → 3']),
    )
    const last = await start('after', { parallelism: 1 })
    expect(last.result?.status).toBe('finished')
    expect(eventOf(last, 'started')?.notes.join()).not.toContain('is now "numbered"')
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('is checked before it is started: what goes on, is upcast, is new (R5)', async () => {
    const stopped = await stopInTheMiddle('before', { parallelism: 2 })
    const before = await readdir(folder, { recursive: true })
    const found = await checkJob(jobUrl('evolving-after'), { dir, params: { out } })
    expect(found).toMatchObject({
      job: 'evolving',
      parallelism: 2,
      snapshot: {
        checkpointId: stopped.result!.lastCheckpoint!.checkpointId,
        kind: 'stop',
        path: dirname(stopped.result!.lastCheckpoint!.path),
      },
      hasEnded: false,
      operators: [
        { uid: 'lines', becomes: 'restored' },
        {
          uid: 'numbered',
          becomes: 'restored',
          states: [
            { name: 'seen', becomes: 'upcast', version: 2, storedVersion: 1 },
            { name: 'thirds', becomes: 'upcast' },
            { name: 'last', becomes: 'new' },
          ],
        },
        { uid: 'files', becomes: 'restored' },
      ],
      problems: [],
    })
    const { code, text } = await check('after', '--parallelism', '3')
    expect(code).toBe(0)
    expect(text).toContain('\nit would start\n')
    expect(text).toMatch(/ {2}seen +restored +value, values of version 1 become 2 +number\n/)
    expect(text).toMatch(/ {2}last +begins empty +value\n/)
    expect(text).toMatch(/numbered +goes on +parallelism 2 → 3\n/)
    expect(text).toContain('"rows" is now "lines"')
    expect(await readdir(folder, { recursive: true })).toEqual(before)
  })

  it('that has lost uids and upcasts is refused for each reason, and a start for the first one (R5)', async () => {
    const path = (await stopInTheMiddle('after')).result!.lastCheckpoint!.path
    const { code, text } = await check('before', '--from', path, '--json')
    expect(code).toBe(1)
    const found = JSON.parse(text) as {
      starts: boolean
      problems: { code: string }[]
      operators: { uid: string; becomes: string }[]
    }
    expect(found.starts).toBe(false)
    expect(found.problems.map((problem) => problem.code)).toEqual(['MR_STATE_NOT_RESTORED'])
    // A sink is among what would be lost where output of it is pending.
    const becoming = found.operators.map(({ uid, becomes }) => `${uid} ${becomes}`)
    expect(becoming.slice(0, 5)).toEqual([
      'rows new',
      'number new',
      'out new',
      'lines dropped',
      'numbered dropped',
    ])
    const plain = await check('before')
    expect(plain.text).toContain('\nit would not start, for this reason:\n\n')
    expect(plain.text).toMatch(/ {2}seen +would be dropped +value +\{ count: number \}\n/)
    expect((await start('before')).error).toMatchObject({ code: 'MR_STATE_NOT_RESTORED' })
    const allowed = await check('before', '--allow-non-restored-state')
    expect(allowed.code).toBe(0)
  })

  it('fails at an upcast that throws, without being restarted, and goes on once that is mended (R38, R39)', async () => {
    await stopInTheMiddle('before', { parallelism: 2 })
    const broken = await start('after', {}, { broken: true })
    expect(broken.error).toMatchObject({
      code: 'MR_STATE_UPCAST_FAILED',
      message: expect.stringMatching(
        /Operator "numbered", record .*State "seen" of operator "numbered", key 'k\d': the upcast from version 1 to 2 threw Error: no such number/,
      ) as unknown,
      fields: { uid: 'numbered', state: 'seen', from: 1, to: 2 },
    })
    expect(eventOf(broken, 'restarting')).toBeUndefined()
    expect((await start('after')).result?.status).toBe('finished')
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('is checked where there is nothing to go on from, or nothing that can be read (R27)', async () => {
    const fresh = await check('after')
    expect(fresh.code).toBe(0)
    expect(fresh.text).toContain('it would begin anew')
    expect(await readdir(folder)).toEqual([])
    const missing = await check('after', '--from', join(folder, 'nothing'))
    expect(missing.code).toBe(1)
    expect(missing.text).toContain('MR_CHECKPOINT_NOT_FOUND')
  })

  it('is checked while it runs, and when it has ended (R4, R34)', async () => {
    let during: Awaited<ReturnType<typeof check>> | undefined
    const stop = new AbortController()
    let seen = 0
    const onEvent: RunJobOptions['onEvent'] = (event) => {
      if (event.type !== 'checkpoint' || ++seen !== 2) return
      void check('after').then((found) => {
        during = found
        stop.abort()
      })
    }
    await start('after', { signal: stop.signal, onEvent }, { rate: 100 })
    expect(during).toMatchObject({ code: 0 })
    expect((await start('after')).result?.status).toBe('finished')
    expect((await check('after')).text).toContain('it has ended')
  })
})
