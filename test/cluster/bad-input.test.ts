import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { BadRecord } from '../../connectors/bad-record.ts'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { AccountsRun } from './accounts-run.ts'
import type { Balance } from './jobs/account-faults.ts'
import { csvOf, postings, readRows } from './postings.ts'
import { eventOf } from './run.ts'
import { expectFailure, expectNothingLeft, type Told } from './told-failure.ts'

const makeFolder = temporaryFolders()
const ROWS = postings(400)
const TEXT = csvOf(ROWS)
let accounts: AccountsRun

beforeEach(async () => {
  accounts = new AccountsRun(await makeFolder(), ROWS)
})

interface Case extends Omit<Told, 'where'> {
  readonly input: string
  /** Undefined: there is nothing. */
  readonly bytes?: string | Uint8Array
  /** Behind the path of the input; default nothing. */
  readonly place?: string
}

const CHECK = 'check the path and the program that writes it'

describe('an input that cannot be read ends the job, and nothing is lost', () => {
  it.each<[string, Case]>([
    [
      'missing',
      {
        input: 'postings.csv',
        code: 'MR_INPUT_MISSING',
        what: 'does not exist',
        prevents: 'nothing can be read from it',
        wayOut: 'check the path (relative paths begin at the working directory',
      },
    ],
    [
      'below a file, as if that were a folder',
      {
        input: 'postings.csv/more.csv',
        code: 'MR_INPUT_MISSING',
        what: 'does not exist',
        prevents: 'nothing can be read from it',
        wayOut: 'check the path',
      },
    ],
    [
      'a pattern that matches nothing',
      {
        input: '*.csv',
        code: 'MR_INPUT_EMPTY',
        what: 'matches no file',
        prevents: 'there is nothing to read',
        wayOut: CHECK,
      },
    ],
    [
      'empty where its header should be',
      {
        input: 'postings.csv',
        bytes: '',
        code: 'MR_INPUT_EMPTY',
        what: 'is empty where its header should be',
        prevents: 'there is nothing to read',
        wayOut: CHECK,
      },
    ],
    [
      'compressed by its name only',
      {
        input: 'postings.csv.gz',
        bytes: TEXT,
        code: 'MR_INPUT_UNREADABLE',
        what: 'does not begin like gzip data',
        prevents: 'its records are missing until it can',
        wayOut: 'check its kind and permissions',
      },
    ],
    [
      'a compressed file that is cut off',
      {
        input: 'postings.csv.gz',
        bytes: gzipSync(TEXT).subarray(0, 900),
        code: 'MR_INPUT_TRUNCATED',
        what: /is cut off or damaged behind \d+ bytes of uncompressed data: unexpected end of file/,
        prevents: 'the records behind that place cannot be read',
        wayOut: 'fetch or write the file again',
      },
    ],
    [
      'a row that does not convert',
      {
        input: 'postings.csv',
        bytes: TEXT.replace('200,account 13,400', '200,account 13,"four hundred"'),
        code: 'MR_BAD_RECORD',
        place: ':202 (byte 3569)',
        what: 'column "cents" has the value "four hundred", which is not a number, in the row',
        prevents: 'cannot be read and the job stops rather than lose it',
        wayOut: `correct the file, or set onError to 'skip' or an output tag`,
      },
    ],
    [
      'a header without a column',
      {
        input: 'postings.csv',
        bytes: TEXT.replace('cents', 'sum'),
        code: 'MR_BAD_RECORD',
        place: ', line 1',
        what: 'the header does not fit: column "cents" is missing (found: id, account, sum)',
        prevents: 'no record of the file can be read',
        wayOut: 'correct the file or the columns, header and delimiter of csv()',
      },
    ],
    [
      'a header with a column twice',
      {
        input: 'postings.csv',
        bytes: TEXT.replace('account,', 'account,account,'),
        code: 'MR_BAD_RECORD',
        place: ', line 1',
        what: 'column "account" occurs twice',
        prevents: 'no record of the file can be read',
        wayOut: 'correct the file or the columns',
      },
    ],
  ])('%s', async (_, { input, bytes, place = '', ...told }) => {
    const isBelow = input.includes('/')
    if (isBelow) await writeFile(accounts.input, TEXT)
    if (bytes !== undefined) await writeFile(accounts.path(input), bytes)
    const failed = await accounts.start({ input: accounts.path(input) })
    expectFailure(failed, { ...told, where: `${accounts.path(input)}${place}` })
    expect(eventOf(failed, 'restarting')).toBeUndefined()
    await expectNothingLeft(accounts.state, accounts.out)
    if (isBelow) {
      await rm(accounts.input)
      await mkdir(accounts.input)
    }
    const mended = input === '*.csv' ? 'any.csv' : input
    await writeFile(accounts.path(mended), mended.endsWith('.gz') ? gzipSync(TEXT) : TEXT)
    await accounts.expectDone(await accounts.start({ input: accounts.path(input) }))
  })

  it('a device, which is neither a file nor a folder', async () => {
    const failed = await accounts.start({ input: '/dev/null' })
    expectFailure(failed, {
      code: 'MR_INPUT_UNREADABLE',
      where: 'Input /dev/null',
      what: 'it is neither a file nor a folder',
      prevents: 'its records are missing until it can',
      wayOut: 'check its kind and permissions',
    })
  })

  it('a folder without files', async () => {
    await mkdir(accounts.path('inputs'))
    expectFailure(await accounts.start({ input: accounts.path('inputs') }), {
      code: 'MR_INPUT_EMPTY',
      where: `Input ${accounts.path('inputs')}`,
      what: 'is a folder without files',
      prevents: 'there is nothing to read',
      wayOut: CHECK,
    })
    await writeFile(accounts.path('inputs/a.csv'), TEXT)
    await accounts.expectDone(await accounts.start({ input: accounts.path('inputs') }))
  })

  it('an onError that there is not', async () => {
    await writeFile(accounts.input, TEXT)
    expectFailure(await accounts.start({ onError: 'sikp' }), {
      code: 'MR_SOURCE_INVALID',
      where: 'fileSource(): onError',
      what: 'is "sikp" (string)',
      prevents: 'no records can be read',
      wayOut: 'give "fail", "skip" or an output tag',
    })
  })
})

it('an input that only looks strange is read like any other (R32)', async () => {
  const part = (from: number, to?: number) => csvOf(ROWS.slice(from, to))
  const files = {
    'a header and nothing else': part(0, 0),
    'a header without a line end': part(0, 0).trimEnd(),
    'a byte-order mark and CRLF': `\uFEFF${part(0, 100).replaceAll('\n', '\r\n')}`,
    'no line end at the end': part(100, 200).trimEnd(),
    'blank lines': part(200, 300).replaceAll('\n', '\n\n'),
    compressed: gzipSync(part(300)),
  }
  await mkdir(accounts.path('inputs'))
  for (const [name, text] of Object.entries(files)) {
    await writeFile(accounts.path(`inputs/${name}.csv`), text)
  }
  const done = await accounts.start({ input: accounts.path('inputs') })
  expect(done.error).toBeUndefined()
  const rows = await readRows<Balance>(accounts.out)
  expect(rows.map(({ id, account, cents }) => ({ id, account, cents }))).toEqual(ROWS)
  await expectNothingLeft(accounts.state, accounts.out)
})

describe('rows that cannot be read', () => {
  const BAD = ['200,account 13,four', 'no row', '"201"x,account 14,437']
  const good = ROWS.filter(({ id }) => id !== 200 && id !== 201)

  beforeEach(async () => {
    const lines = TEXT.split('\n')
    lines.splice(201, 2, ...BAD)
    await writeFile(accounts.input, lines.join('\n'))
  })

  it('are skipped where asked for, and counted where it is told (R20)', async () => {
    const skipped = await accounts.start({ onError: 'skip' })
    await accounts.expectDone(skipped, good)
    const { counters } = skipped.result!.metrics
    expect(counters).toEqual({ postings: { recordsSkipped: BAD.length } })
  })

  it('go to a side output where asked for, with their place, and are counted (R20)', async () => {
    const sidelined = await accounts.start({ onError: 'side' })
    await accounts.expectDone(sidelined, good)
    const bad = await readRows<BadRecord & { id: number }>(`${accounts.out}-bad`)
    expect(bad.map(({ raw, line }) => [raw, line]).sort()).toEqual(
      BAD.map((raw, index) => [raw, 202 + index]).sort(),
    )
    for (const { file } of bad) expect(file).toBe(accounts.input)
    const { counters } = sidelined.result!.metrics
    expect(counters).toEqual({ postings: { recordsToSideOutput: BAD.length } })
  })
})

describe('an input file that is another one than at the checkpoint', () => {
  const makeOneFolder = temporaryFolders(afterAll)
  /** A job that was stopped in the middle, and how many rows it had read: each test begins there. */
  let stopped: AccountsRun
  let read: number

  beforeAll(async () => {
    stopped = new AccountsRun(await makeOneFolder(), ROWS)
    await stopped.writeInput()
    read = (await stopped.stopInTheMiddle()).read
    await stopped.keep()
  })

  beforeEach(async () => {
    accounts = stopped
    await accounts.putBack()
  })

  const told = {
    code: 'MR_INPUT_CHANGED',
    prevents: 'going on from the stored position would skip or repeat records',
    wayOut: 'put the old file back, or start over with --fresh',
  } as const

  it.each<[string, (text: string) => string, string | RegExp]>([
    [
      'changed before the position',
      (text) => text.replace('0,account 0,0', '0,account 0,1'),
      'its first 64 KiB are different',
    ],
    ['shrunk', (text) => text.slice(0, 30), /it has 30 bytes where it had \d+/],
    [
      'grown',
      (text) => `${text}400,late,1\n`,
      /it has grown from \d+ to \d+ bytes \(accepted with --allow-grown-input\)/,
    ],
  ])('%s: refused until it is put back (R32)', async (_, change, what) => {
    await writeFile(accounts.input, change(TEXT))
    const failed = await accounts.start()
    expectFailure(failed, { ...told, where: `Input ${accounts.input}`, what })
    expect(failed.error?.message).toMatch(
      new RegExp(`source position ${accounts.input}:${read + 2} \\(byte \\d+\\)`),
    )
    expect(eventOf(failed, 'restarting')).toBeUndefined()
    await writeFile(accounts.input, TEXT)
    await accounts.expectDone(await accounts.start())
  })

  it('grown: read to its new end with --allow-grown-input, and it is told (R32)', async () => {
    const rows = [...ROWS, { id: ROWS.length, account: 'last', cents: 1 }]
    await writeFile(accounts.input, csvOf(rows))
    const grown = await accounts.start({}, { allowGrownInput: true })
    expect(
      grown.events.some((event) => event.type === 'log' && /it has grown from/.test(event.line)),
    ).toBe(true)
    await accounts.expectDone(grown, rows)
  })

  it('gone: refused until it is put back', async () => {
    await copyFile(accounts.input, accounts.path('copy.csv'))
    await rm(accounts.input)
    const failed = await accounts.start()
    expectFailure(failed, {
      code: 'MR_INPUT_MISSING',
      where: `Input ${accounts.input}`,
      what: 'does not exist',
      prevents: 'nothing can be read from it',
      wayOut: 'check the path',
    })
    await copyFile(accounts.path('copy.csv'), accounts.input)
    await accounts.expectDone(await accounts.start())
  })

  it('is refused under another name too: it is told which belongs to the checkpoint (R5)', async () => {
    await copyFile(accounts.input, accounts.path('other.csv'))
    const failed = await accounts.start({ input: accounts.path('other.csv') })
    expectFailure(failed, {
      code: 'MR_IDENTITY_CHANGED',
      where: /Checkpoint \d+ of lineage [0-9a-f]+ was taken while "postings" had path/,
      what: `path = ${accounts.input}, now it is ${accounts.path('other.csv')}`,
      prevents: 'positions and committed output belong to the old one',
      wayOut: 'set it back, or start with --fresh',
    })
    await accounts.expectDone(await accounts.start())
  })
})

it('an input file that is deleted while it is read is read to its end', async () => {
  await writeFile(accounts.input, TEXT)
  const onEvent: RunJobOptions['onEvent'] = ({ type }) => {
    if (type === 'checkpoint') void rm(accounts.input, { force: true })
  }
  await accounts.expectDone(await accounts.start({ rate: 1_000 }, { onEvent }))
})
