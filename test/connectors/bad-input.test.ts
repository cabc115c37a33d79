import fs, { rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { BadRecord, OnBadRecord } from '../../connectors/bad-record.ts'
import { csv } from '../../connectors/csv-format.ts'
import { fileSource } from '../../connectors/file-source.ts'
import { json } from '../../connectors/json-format.ts'
import type { ReadFormat } from '../../connectors/read-format.ts'
import type { OutputTag } from '../../runtime/operator.ts'
import type { Source } from '../../runtime/source.ts'
import { SourceRun, type SourceSnapshot } from '../contract/source-run.ts'
import { temporaryFolders } from './temporary-folder.ts'

/** Codes with which the next calls of `open` for a path fail, 'ok' for none: permissions mean nothing to root. */
const failures = new Map<string, string[]>()

const realOpen = fs.open

const open: typeof fs.open = (path, ...rest) => {
  const code = failures.get(String(path))?.shift() ?? 'ok'
  if (code === 'ok') return realOpen(path, ...rest)
  return Promise.reject(
    Object.assign(new Error(`${code}: not now, open '${String(path)}'`), { code }),
  )
}

/** What `import * as fs from 'node:fs/promises'` gives, in modules that are loaded already too. */
function replaceOpen(by: typeof fs.open): void {
  fs.open = by
  syncBuiltinESMExports()
}

beforeAll(() => replaceOpen(open))
afterAll(() => replaceOpen(realOpen))

const newFolder = temporaryFolders()
const amounts = csv({ columns: { id: 'number', amount: 'number' } })

describe('bad input', () => {
  let path: string
  let run: SourceRun<unknown> | undefined

  beforeEach(async () => {
    path = join(await newFolder(), 'in.csv')
  })

  afterEach(async () => {
    failures.clear()
    await run?.close()
    run = undefined
  })

  /** Reads a source of this path to its end. */
  async function read(
    format: ReadFormat<unknown> = amounts,
    onError: OnBadRecord = 'fail',
    restored?: SourceSnapshot,
  ): Promise<SourceRun<unknown>> {
    const source = fileSource({ path, format, onError }) as Source<unknown>
    run = new SourceRun<unknown>(source, { restored })
    await run.start()
    await run.read()
    return run
  }

  /** The error that reading fails with: its code, its kind, and parts of its message. */
  async function expectFailure(code: string, ...parts: readonly (string | RegExp)[]) {
    const error = (await read().catch((thrown: unknown) => thrown)) as Error
    expect(error).toMatchObject({ name: 'StreamError', code })
    for (const part of [path, ...parts]) expect(error.message).toMatch(part)
    expect(error.message).not.toContain('\n')
    return error
  }

  describe('that is not there', () => {
    it('missing: says so, and where relative paths begin', async () => {
      await expectFailure('MR_INPUT_MISSING', 'does not exist', 'check the path', process.cwd())
    })

    it('a pattern that matches nothing', async () => {
      path = `${path}*.gz`
      const error = await read().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'MR_INPUT_EMPTY', fields: { path } })
      expect((error as Error).message).toContain('matches no file')
    })

    it('gone between the listing and its reading', async () => {
      await writeFile(path, 'id,amount\n1,2\n')
      failures.set(path, ['ok', 'ENOENT'])
      await expectFailure('MR_INPUT_MISSING')
      expect(run?.splits.size).toBe(1)
    })
  })

  describe('that is empty', () => {
    it('where a header should be', async () => {
      await writeFile(path, '')
      await expectFailure('MR_INPUT_EMPTY', 'is empty where its header should be')
    })

    it('is no error where there is no header', async () => {
      await writeFile(path, '')
      expect((await read(json())).values).toEqual([])
    })

    it('is no error behind a header', async () => {
      await writeFile(path, 'id,amount')
      expect((await read()).values).toEqual([])
    })
  })

  describe('that cannot be read', () => {
    beforeEach(() => writeFile(path, 'id,amount\n1,2\n'))

    it('for lack of permission: not restarted', async () => {
      failures.set(path, ['EACCES'])
      const error = await expectFailure(
        'MR_INPUT_UNREADABLE',
        'EACCES',
        'check its kind and permissions',
      )
      expect(error).toMatchObject({ fields: { path, systemCode: 'EACCES' } })
    })

    it.each(['EIO', 'EMFILE', 'ESTALE'])('for %s, which may pass: restarted', async (code) => {
      failures.set(path, ['ok', 'ok', code])
      await expect(read()).rejects.toMatchObject({
        name: 'RestartableError',
        code: 'MR_INPUT_UNREADABLE',
        fields: { systemCode: code },
      })
    })
  })

  describe('that is gzip', () => {
    const rows = Array.from({ length: 50_000 }, (_, i) => `${i},${i * 3}\n`).join('')
    const whole = gzipSync(`id,amount\n${rows}`)

    beforeEach(() => {
      path = `${path}.gz`
    })

    it.each([1, 10, 1_000, whole.length - 9, whole.length - 1])(
      'cut off after %i bytes',
      async (length) => {
        await writeFile(path, whole.subarray(0, length))
        await expectFailure(
          'MR_INPUT_TRUNCATED',
          /cut off or damaged behind \d+ bytes/,
          'write the file again',
        )
        // Good records before that place are read; none is made up.
        expect(run?.values).toEqual(run?.values.map((_, i) => ({ id: i, amount: i * 3 })))
      },
    )

    it('cut off in its second member', async () => {
      await writeFile(path, Buffer.concat([whole, whole.subarray(0, 15)]))
      await expectFailure('MR_INPUT_TRUNCATED', 'unexpected end of file')
      expect(run?.values).toHaveLength(50_000)
    })

    it('damaged', async () => {
      const bytes = Buffer.from(whole)
      bytes[bytes.length - 6]! ^= 1
      await writeFile(path, bytes)
      await expectFailure('MR_INPUT_TRUNCATED', 'incorrect data check')
    })

    it('empty, though named .gz', async () => {
      await writeFile(path, '')
      await expectFailure('MR_INPUT_TRUNCATED', 'it has 0 bytes')
    })

    it('by its name only', async () => {
      await writeFile(path, 'id,amount\n1,2\n')
      await expectFailure('MR_INPUT_UNREADABLE', 'does not begin like gzip data')
    })
  })

  describe('with a malformed row', () => {
    const BAD = 'id,amount\n1,2\n2,"zwölf\n"\n3,4,5\n4,6\n"5"x,7\n6,8'
    const tag: OutputTag<BadRecord> = { name: 'bad' }

    beforeEach(() => writeFile(path, BAD))

    it('fails, naming file, line, byte, column and value, by default', async () => {
      const error = await expectFailure(
        'MR_BAD_RECORD',
        `${path}:3 (byte 14): column "amount" has the value "zwölf\\n", which is not a number`,
        'in the row "2,\\"zwölf\\n\\""',
        /set onError to 'skip' or an output tag/,
      )
      expect(error).toMatchObject({
        fields: { file: path, line: 3, offset: 14, column: 'amount', value: '"zwölf\\n"' },
      })
      expect(run?.values).toEqual([{ id: 1, amount: 2 }])
    })

    it('skips and counts it where asked to', async () => {
      const { values, counters } = await read(amounts, 'skip')
      expect(values).toEqual([
        { id: 1, amount: 2 },
        { id: 4, amount: 6 },
        { id: 6, amount: 8 },
      ])
      expect(Object.fromEntries(counters)).toEqual({ recordsSkipped: 3 })
    })

    it('sends it to a side output where asked to, with its place', async () => {
      const { values, counters, side } = await read(amounts, tag)
      expect(values).toHaveLength(3)
      expect(Object.fromEntries(counters)).toEqual({ recordsToSideOutput: 3 })
      expect(side.map((one) => one.tag)).toEqual(['bad', 'bad', 'bad'])
      expect(side.map((one) => one.value)).toMatchObject([
        { raw: '2,"zwölf\n"', file: path, line: 3, offset: 14 },
        {
          raw: '3,4,5',
          file: path,
          line: 5,
          offset: 26,
          error: expect.stringContaining('has 3 fields'),
        },
        { raw: '"5"x,7', file: path, line: 7, error: expect.stringContaining('quote') },
      ])
    })

    it('leaves the poll after each record to a side output, as that took credit (R7)', async () => {
      await writeFile(path, `id,amount\n${'x,1\n'.repeat(50)}`)
      run = new SourceRun(fileSource({ path, format: amounts, onError: tag }) as Source<unknown>)
      await run.start()
      let most = 0
      while (!run.isEnded) {
        const before = run.side.length
        if (run.poll() === 'wait') await new Promise((resolve) => setImmediate(resolve))
        most = Math.max(most, run.side.length - before)
      }
      expect(run.side).toHaveLength(50)
      expect(most).toBe(1)
    })

    it('shortens long rows and values in the message', async () => {
      await writeFile(path, `id,amount\n1,${'x'.repeat(100_000)}\n`)
      const error = await expectFailure('MR_BAD_RECORD', 'x…"')
      expect(error.message.length).toBeLessThan(1_000)
    })

    it('skips no record twice over a resume', async () => {
      const source = fileSource({ path, format: amounts, onError: 'skip' }) as Source<unknown>
      const first = await new SourceRun(source).start()
      await first.read(2)
      const restored = first.snapshot(1)
      await first.close()
      expect(Object.fromEntries(first.counters)).toEqual({ recordsSkipped: 2 })
      const { values, counters } = await read(amounts, 'skip', restored)
      expect(values).toEqual([{ id: 6, amount: 8 }])
      expect(Object.fromEntries(counters)).toEqual({ recordsSkipped: 1 })
    })

    it('fails whatever onError says when nothing of a file can be read', async () => {
      await writeFile(path, 'id,sum\n1,2\n')
      await expect(read(amounts, 'skip')).rejects.toMatchObject({
        code: 'MR_BAD_RECORD',
        message: expect.stringMatching(/line 1: .*column "amount" is missing \(found: id, sum\)/),
      })
    })

    it('names the line of JSON that is none', async () => {
      await writeFile(path, '{"a":1}\n{"a":\n')
      await expect(read(json())).rejects.toMatchObject({
        code: 'MR_BAD_RECORD',
        message: expect.stringContaining(`${path}:2 (byte 8): the record is not JSON`),
      })
    })
  })

  describe('that changed since the checkpoint', () => {
    let restored: SourceSnapshot

    beforeEach(async () => {
      await writeFile(path, 'id,amount\n1,2\n3,4\n5,6\n')
      const first = await new SourceRun(
        fileSource({ path, format: amounts }) as Source<unknown>,
      ).start()
      await first.read(2)
      restored = first.snapshot(1)
      await first.close()
    })

    const resumed = () => read(amounts, 'fail', restored).catch((thrown: unknown) => thrown)

    it.each([
      ['other bytes', 'id,amount\n1,2\n3,5\n5,6\n', 'its first 64 KiB are different'],
      ['shorter', 'id,amount\n1,2\n3,4\n', 'it has 18 bytes where it had 22'],
      ['grown', 'id,amount\n1,2\n3,4\n5,6\n7,8\n', 'it has grown from 22 to 26 bytes'],
    ])('%s: not restarted, and says the ways out (R32)', async (_, now, message) => {
      await writeFile(path, now)
      const error = await resumed()
      expect(error).toMatchObject({
        name: 'StreamError',
        code: 'MR_INPUT_CHANGED',
        fields: { path },
      })
      expect((error as Error).message).toContain(message)
      expect((error as Error).message).toMatch(/put the old file back, or start over with --fresh/)
      expect(run?.values).toEqual([])
    })

    it('gone', async () => {
      await rm(path)
      expect(await resumed()).toMatchObject({ name: 'StreamError', code: 'MR_INPUT_MISSING' })
    })
  })
})
