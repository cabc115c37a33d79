import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CheckpointSummary } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { AccountsRun } from './accounts-run.ts'
import { cli, CliProcess, type JsonLine, ROOT } from './cli-process.ts'
import { postings } from './postings.ts'
import { eventOf, jobUrl, run } from './run.ts'
import { expectFailure, expectNothingLeft } from './told-failure.ts'

const makeFolder = temporaryFolders()
const ROWS = postings(400)
let accounts: AccountsRun

beforeEach(async () => {
  accounts = new AccountsRun(await makeFolder(), ROWS)
  await accounts.writeInput()
})

const UNUSABLE = {
  code: 'MR_DIRECTORY_UNUSABLE',
  prevents: 'without it the job could not go on after a crash',
} as const

describe('a state directory that cannot be used', () => {
  it('is below a file: refused before anything is put out', async () => {
    const file = accounts.path('state')
    await writeFile(file, '')
    expectFailure(await accounts.start(), {
      ...UNUSABLE,
      where: `The state directory ${accounts.state}`,
      what: 'cannot be used (ENOTDIR: not a directory',
      wayOut: 'move the file that is in the way, or give another one with --dir',
    })
    await expectNothingLeft(accounts.state, accounts.out)
    await rm(file)
    await accounts.expectDone(await accounts.start())
  })

  it('is a file itself', async () => {
    await mkdir(accounts.path('state'))
    await writeFile(accounts.state, 'a file')
    expectFailure(await accounts.start(), {
      ...UNUSABLE,
      where: accounts.state,
      what: 'ENOTDIR',
      wayOut: 'move the file that is in the way',
    })
    expect(await readFile(accounts.state, 'utf8')).toBe('a file')
    await rm(accounts.state)
    await accounts.expectDone(await accounts.start())
  })

  it.each<[string, (name: string) => Promise<void>, RegExp]>([
    ['is gone', (record) => rm(record), /holds checkpoints but no job\.json/],
    ['is torn', (record) => writeFile(record, '{"version":1,"jo'), /job\.json is damaged: /],
  ])('has a record that %s: put back, it goes on', async (_, damage, what) => {
    const { last } = await accounts.stopInTheMiddle()
    const record = join(accounts.state, 'job.json')
    const good = await readFile(record)
    await damage(record)
    expectFailure(await accounts.start(), {
      code: 'MR_DIRECTORY_UNUSABLE',
      where: accounts.state,
      what,
      prevents: 'so the job cannot resume',
      wayOut:
        /restore the file from a copy, start from .* with --from and another --dir, or .*--fresh/,
    })
    await writeFile(record, good)
    const mended = await accounts.start()
    expect(eventOf(mended, 'started')?.restored?.checkpointId).toBe(last.checkpointId)
    await accounts.expectDone(mended)
  })
})

describe('a checkpoint that does not fit the job', () => {
  const makeOneFolder = temporaryFolders(afterAll)
  /** A job that was stopped in the middle: each test begins there. */
  let stopped: AccountsRun
  let last: CheckpointSummary

  beforeAll(async () => {
    stopped = new AccountsRun(await makeOneFolder(), ROWS)
    await stopped.writeInput()
    last = (await stopped.stopInTheMiddle()).last
    await stopped.keep()
  })

  beforeEach(async () => {
    accounts = stopped
    await accounts.putBack()
  })

  const checkpoint = (): string => `Checkpoint ${last.checkpointId} of lineage ${last.lineage}`

  it('is of a graph with other uids: both sides are listed, and state is dropped only on request', async () => {
    const failed = await accounts.start({ uid: 'saldo' })
    expectFailure(failed, {
      code: 'MR_STATE_NOT_RESTORED',
      where: checkpoint(),
      what: 'holds state of "balance", which the job does not have',
      prevents: 'that state would be lost',
      wayOut: 'drop the state with --allow-non-restored-state, or start with --fresh',
    })
    expect(failed.error?.message).toContain(
      'It has "postings", "map#1", "balance", "balances"; the job has "postings", "map#1", "saldo", "balances"',
    )
    await accounts.expectDone(await accounts.start())
    await accounts.putBack()
    const allowed = await accounts.start({ uid: 'saldo' }, { allowNonRestoredState: true })
    expect(allowed.result?.status).toBe('finished')
  })

  it('is of another job', async () => {
    const options = { dir: accounts.path('others'), from: dirname(last.path) }
    const other = await run(jobUrl('counting'), {
      ...options,
      params: { out: accounts.path('counted'), count: 10 },
    })
    expectFailure(other, {
      code: 'MR_CHECKPOINT_OTHER_JOB',
      where: checkpoint(),
      what: 'belongs to job "accounts", not to "counting"',
      prevents: 'its state means nothing here',
      wayOut: 'give the path of a checkpoint of this job, or start with --fresh',
    })
    await expectNothingLeft(accounts.path('others/counting'), accounts.path('counted'))
    await accounts.expectDone(await accounts.start())
  })

  it.each([
    ['no checkpoint', 'garbage', /there is no manifest\.json in \S+garbage, nor anything else/],
    ['a checkpoint that is not there', 'state/chk-99', /there is no manifest\.json in \S+chk-99/],
    ['a savepoint that was not finished', 'torn', /it is a savepoint that was not finished/],
  ])('is none: --from leads to %s', async (_, from, what) => {
    const path = accounts.path(from)
    await mkdir(accounts.path('torn'), { recursive: true })
    await writeFile(accounts.path('torn/savepoint.incomplete'), '')
    expectFailure(await accounts.start({}, { from: path }), {
      code: 'MR_CHECKPOINT_NOT_FOUND',
      where: `${path} is not a checkpoint or savepoint`,
      what,
      prevents: 'the job cannot start from it',
      wayOut: 'give the path of its folder or of the manifest in it',
      exit: 2,
    })
    await accounts.expectDone(await accounts.start())
  })
})

describe('an output that cannot be used', () => {
  it('is a file', async () => {
    await writeFile(accounts.out, 'a file')
    expectFailure(await accounts.start(), {
      code: 'MR_OUTPUT_FAILED',
      where: `Output ${accounts.out}`,
      what: 'cannot be prepared: ENOTDIR',
      prevents: 'records cannot be put out',
      wayOut: 'move the file that is in the way, or choose another directory',
    })
    expect(await readFile(accounts.out, 'utf8')).toBe('a file')
    await rm(accounts.out)
    await accounts.expectDone(await accounts.start())
  })

  it('holds output of a run that this one does not continue (R2)', async () => {
    await accounts.expectDone(await accounts.start())
    const state = accounts.path('state')
    await rename(state, accounts.path('elsewhere'))
    expectFailure(await accounts.start(), {
      code: 'MR_OUTPUT_CONFLICT',
      where: `Output directory ${accounts.out}`,
      what: /holds output of another run.*: part-[0-9a-f]{16}-1-0-0\.jsonl/,
      prevents: 'together with it the output of this run would hold records twice',
      wayOut: /--output replace \(removes just these files\) or --output keep/,
    })
    await accounts.expectDone(await accounts.start({}, { output: 'replace' }))
  })
})

describe('a disk that is full in the middle of a checkpoint', () => {
  it('ends the job, with the earlier checkpoint as good as before (R24, R38)', async () => {
    const full = accounts.path('full')
    const preload = join(ROOT, 'test/cluster/full-disk.mjs')
    const args = (rate: number) => [
      ...['run', join(ROOT, 'test/cluster/jobs/accounts.ts'), '--json', '--parallelism', '1'],
      ...['--dir', accounts.path('state'), '--checkpoint-interval', '50ms', '--memory', '256mb'],
      ...['--param', `input=${accounts.input}`, '--param', `out=${accounts.out}`],
      ...['--param', `rate=${rate}`],
    ]
    const child = new CliProcess(args(50), {
      nodeArgs: ['--import', preload],
      env: { MILLRACE_TEST_FULL_DISK: full },
    })
    await child.lineOf('checkpoint')
    await writeFile(full, '')
    expect(await child.ended).toEqual({ code: 1, signal: null })
    const last = child.lines.findLast((line) => line.type === 'checkpoint')!
    const [failed] = child.lines.filter((line) => line.type === 'checkpoint-failed')
    expect(failed).toMatchObject({
      error: { code: 'MR_CHECKPOINT_FAILED', fields: { systemCode: 'ENOSPC' } },
    })
    const { code, message } = child.lines.at(-1) as JsonLine & Record<'code' | 'message', string>
    expect(code).toBe('MR_REPEATED_FAILURE')
    expect(message).toMatch(
      /cannot be written: \/.*\/chk-\d+\/.*: ENOSPC: .*; earlier checkpoints stay good, .*; free space on that disk\./,
    )
    expect(child.stderr).toContain(
      `the same command goes on from checkpoint ${last['checkpointId']}`,
    )
    // What was cut for checkpoints that failed is hidden from readers, and goes with the next start.
    const hidden = (await readdir(accounts.out)).filter((name) => name.startsWith('.'))
    expect(hidden.filter((name) => !name.endsWith('.pending'))).toEqual([])
    await rm(full)
    const mended = await cli(...args(0))
    expect(mended.code).toBe(0)
    expect(mended.lines[0]).toMatchObject({
      type: 'started',
      mode: 'resumed',
      restored: { checkpointId: last['checkpointId'] },
    })
    await accounts.expectOutput()
  })
})
