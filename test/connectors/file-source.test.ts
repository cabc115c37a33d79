import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { csv } from '../../connectors/csv-format.ts'
import { fileSource } from '../../connectors/file-source.ts'
import type { FileSplit } from '../../connectors/file-split.ts'
import { json } from '../../connectors/json-format.ts'
import { SystemClock } from '../../runtime/clock.ts'
import type { Source } from '../../runtime/source.ts'
import { sourceContract } from '../contract/source.ts'
import {
  rescaled,
  SourceRun,
  type SourceRunOptions,
  type SourceSnapshot,
} from '../contract/source-run.ts'
import { writeCsv } from './nasty-csv.ts'
import { temporaryFolders } from './temporary-folder.ts'

const newFolder = temporaryFolders()
let folder: string

beforeEach(async () => {
  folder = await newFolder()
})

const NASTY = [
  ['a,b', 'é', '"'],
  ['line\nend', '日本\r\n', ' x '],
  ['', '', '😀'],
  ['"quoted"', '\r', 'z\r'],
]
const STYLES = [
  { crlf: false, byteOrderMark: false, lastLineEnd: true, quoteAll: false },
  { crlf: true, byteOrderMark: true, lastLineEnd: false, quoteAll: false },
  { crlf: true, byteOrderMark: false, lastLineEnd: true, quoteAll: true },
]

/** Written into the folder of the test when the source opens it; the path stays the same within a test. */
function contractOf(
  name: string,
  file: string,
  bytes: Uint8Array,
  make: (path: string) => Source<unknown>,
  expected: readonly unknown[],
) {
  describe(name, () => {
    beforeEach(() => writeFile(join(folder, file), bytes))
    sourceContract({ name, create: () => make(join(folder, file)), expected })
  })
}

for (const [i, style] of STYLES.entries()) {
  const { bytes } = writeCsv([['a', 'b', 'c'], ...NASTY], style)
  const expected = NASTY.map(([a, b, c]) => ({ a, b, c }))
  const make = (path: string) => fileSource({ path, format: csv() })
  contractOf(`csv file, style ${i}`, 'in.csv', bytes, make, expected)
  contractOf(`gzip csv file, style ${i}`, 'in.csv.gz', gzipSync(bytes), make, expected)
}
const members = [gzipSync('{"a":1}\n\n{"a":'), gzipSync('2}\r\n{"a":"é"}')]
contractOf(
  'json lines in two gzip members',
  'in.jsonl.gz',
  Buffer.concat(members),
  (path) => fileSource({ path, format: json() }),
  [{ a: 1 }, { a: 2 }, { a: 'é' }],
)

interface Row {
  readonly id: number
}

const rows = csv({ columns: { id: 'number' } })
const open = <T>(source: Source<T>, options: SourceRunOptions = {}) =>
  new SourceRun<T>(source as Source<T, unknown>, options).start()

/** A CSV file of these ids; the text makes it as long as the test needs. */
const idFile = (from: number, count: number, text = '') =>
  `id,text\n${Array.from({ length: count }, (_, i) => `${from + i},${text}\n`).join('')}`

const idsOf = (run: SourceRun<Row>) => run.values.map((row) => row.id)
const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)
const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b)

/** Waits until files that fit into one chunk have been read in the background: a wake for the chunk, one for the end. */
function loaded(run: SourceRun<Row>, files: number): Promise<void> {
  return run.wakesReach(run.wakes + 2 * files)
}

describe('fileSource', () => {
  it('infers the record type from the format', () => {
    expectTypeOf(fileSource({ path: 'a', format: rows })._type).toEqualTypeOf<
      { id: number } | undefined
    >()
  })

  it('has its absolute path as identity (R5)', () => {
    expect(fileSource({ path: 'in/*.csv', format: rows }).identity).toEqual({
      path: resolve('in/*.csv'),
    })
    const url = pathToFileURL('/a b/c.csv')
    expect(fileSource({ path: url, format: rows }).identity).toEqual({ path: '/a b/c.csv' })
  })

  it.each([
    ['path', { path: '' }],
    ['rate', { rate: -1 }],
    ['rate', { rate: Infinity }],
    ['onError', { onError: 'sikp' }],
    ['format', { format: undefined }],
  ])('refuses a bad %s', (option, options) => {
    const all = { path: 'a', format: rows, ...options } as never
    expect(() => fileSource(all)).toThrow(
      expect.objectContaining({
        code: 'MR_SOURCE_INVALID',
        fields: expect.objectContaining({ option }),
      }),
    )
  })

  describe('of several files', () => {
    beforeEach(async () => {
      for (let i = 0; i < 5; i++) {
        await writeFile(join(folder, `${i}.csv`), idFile(i * 1_000, 300))
      }
      await writeFile(join(folder, '5.csv.gz'), gzipSync(idFile(5_000, 300)))
      await writeFile(join(folder, '.6.csv.in-progress'), idFile(6_000, 300))
    })

    const all = [0, 1, 2, 3, 4, 5].flatMap((i) => range(i * 1_000, 300))

    it.each([1, 2, 4, 8])('reads each once at parallelism %i', async (parallelism) => {
      const run = await open(fileSource({ path: folder, format: rows }), { parallelism })
      await run.read()
      expect(sorted(idsOf(run))).toEqual(all)
      const subtasks = new Set(run.records.map((record) => record.subtaskIndex))
      expect(subtasks.size).toBe(Math.min(6, parallelism))
      await run.close()
    })

    it('keeps the order of each file', async () => {
      const run = await open(fileSource({ path: join(folder, '*.csv'), format: rows }))
      await run.read()
      for (let i = 0; i < 5; i++) {
        const ids = idsOf(run).filter((id) => Math.floor(id / 1_000) === i)
        expect(ids).toEqual(range(i * 1_000, 300))
      }
      await run.close()
    })

    it('resumes at any record of any of them, also of resumed runs (R31, R32)', async () => {
      const found: number[] = []
      let restored: SourceSnapshot | undefined
      for (let id = 1; found.length < all.length; id++) {
        const run = await open(fileSource({ path: folder, format: rows }), {
          restored,
          parallelism: 2,
        })
        await run.read(97)
        found.push(...idsOf(run))
        restored = run.snapshot(id)
        await run.close()
      }
      expect(sorted(found)).toEqual(all)
    })

    it('takes the listing once: a file that comes later is not read (R31)', async () => {
      const source = () => fileSource({ path: folder, format: rows })
      const first = await open(source())
      await first.read(10)
      const restored = first.snapshot(1)
      await first.close()
      await writeFile(join(folder, 'new.csv'), idFile(9_000, 10))
      const second = await open(source(), { restored })
      await second.read()
      expect(second.snapshot(2).enumerator).toEqual(restored.enumerator)
      expect(sorted([...idsOf(first), ...idsOf(second)])).toEqual(all)
      await second.close()
    })

    it('assigns all splits at the start, so that none is missing from the minimum (R11)', async () => {
      const run = await open(fileSource({ path: folder, format: rows }))
      expect(run.splits.size).toBe(6)
      expect(run.records).toEqual([])
      await run.close()
    })
  })

  it('reads the file with the lowest watermark first (R11)', async () => {
    const COUNT = 5_000
    for (let i = 0; i < 6; i++) await writeFile(join(folder, `${i}.csv`), idFile(i * COUNT, COUNT))
    const run = await open(fileSource({ path: folder, format: rows }))
    await loaded(run, 6)
    const read = new Map<string, number>()
    let last = ''
    let choices = 0
    run.onRecord = ({ value, splitId }, split) => {
      if (read.size === 6 && splitId !== last) {
        choices++
        const others = [...run.splits].filter(([id]) => read.get(id) !== COUNT)
        expect(split.watermark).toBe(Math.min(...others.map(([, other]) => other.watermark)))
      }
      last = splitId
      read.set(splitId, (read.get(splitId) ?? 0) + 1)
      // The files tell times of different pace.
      split.watermark = (value.id % COUNT) * (Math.floor(value.id / COUNT) + 1)
      return true
    }
    await run.read()
    expect(choices).toBeGreaterThan(100)
    await run.close()
  })

  it('finds new files while it runs, reads each once, and goes on with that after a restart (R31)', async () => {
    const write = (name: string, n: number) =>
      writeFile(join(folder, name), `{"n":${n}}\n{"n":${n + 1}}\n`)
    const source = fileSource({
      path: folder,
      format: json<{ n: number }>(),
      discoveryInterval: 10,
    })
    expect(source.boundedness).toBe('unbounded')
    const options: SourceRunOptions = { parallelism: 2, realClock: new SystemClock() }
    const run = await new SourceRun(source, options).start()
    // There need not be any at the start.
    await write('b', 0)
    await run.read(2)
    await write('.c', 100)
    await write('a', 10)
    await write('c', 20)
    await run.read(6)
    const numbers = (one: SourceRun<{ n: number }>) =>
      one.records.map(({ value }) => value.n).sort((x, y) => x - y)
    expect(numbers(run)).toEqual([0, 1, 10, 11, 20, 21])
    expect(new Set(run.records.map(({ subtaskIndex }) => subtaskIndex)).size).toBe(2)
    const restored = run.snapshot(1)
    await run.close()
    const again = await new SourceRun(source, { ...options, restored }).start()
    await write('d', 30)
    await again.read(2)
    expect(numbers(again)).toEqual([30, 31])
    await again.close()
  })

  it('says once that new files cannot be looked for, and goes on looking', async () => {
    const path = join(folder, 'in')
    await mkdir(path)
    const source = fileSource({ path, format: json<{ n: number }>(), discoveryInterval: 5 })
    const run = await new SourceRun(source, { realClock: new SystemClock() }).start()
    await rm(path, { recursive: true })
    await expect.poll(() => run.logs.length).toBe(1)
    expect(run.logs[0]).toContain('New files cannot be looked for: StreamError: Input ')
    await mkdir(path)
    await writeFile(join(path, 'a'), '{"n":1}\n')
    expect(await run.read(1)).toEqual([{ n: 1 }])
    expect(run.logs).toHaveLength(1)
    await run.close()
  })

  it('has at most 64 files open at once (R11)', async () => {
    for (let i = 0; i < 90; i++) await writeFile(join(folder, `${i}.csv`), idFile(i * 1_000, 200))
    const run = await open(fileSource({ path: folder, format: rows }))
    const begun = new Set<string>()
    let most = 0
    run.onRecord = ({ splitId }) => {
      begun.add(splitId)
      const open = [...begun].filter((id) => run.splits.get(id)?.isFinished === false)
      most = Math.max(most, open.length)
      return true
    }
    await run.read()
    expect(run.records).toHaveLength(18_000)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(64)
    await run.close()
  })

  it('of more half read files than may be open, at another parallelism, opens those first that hold time back (R11)', async () => {
    const source = () => fileSource({ path: folder, format: rows })
    const names = Array.from({ length: 70 }, (_, i) => join(folder, `${100 + i}.csv`))
    for (const name of names) await writeFile(name, idFile(0, 100))
    const before = await open(source(), { parallelism: 2 })
    await loaded(before, 70)
    before.onRecord = ({ value }, split) => {
      split.watermark = value.id
      return true
    }
    // A turn of each.
    await before.read(70 * 64)
    const restored = rescaled(before.snapshot(1), 1)
    await before.close()
    const run = await open(source(), { restored, watermarkOf: (name) => -names.indexOf(name) })
    await loaded(run, 64)
    await run.read(1)
    expect(run.records[0]!.splitId).toBe(names.at(-1))
    await run.read()
    expect(run.records).toHaveLength(70 * 36)
    await run.close()
  })

  it('does not read the files that alignment pauses, and goes on with them (semantics 2.6)', async () => {
    for (let i = 0; i < 3; i++) await writeFile(join(folder, `${i}.csv`), idFile(i * 1_000, 200))
    const run = await open(fileSource({ path: folder, format: rows }))
    await loaded(run, 3)
    const [reader] = run.readers
    const [a, b, c] = [...run.splits.keys()] as [string, string, string]
    reader!.pauseSplits!(new Set([a, c]))
    while (run.poll() === 'more');
    expect(new Set(run.records.map(({ splitId }) => splitId))).toEqual(new Set([b]))
    reader!.pauseSplits!(new Set([c]))
    while (run.poll() === 'more');
    expect(new Set(run.records.map(({ splitId }) => splitId))).toEqual(new Set([a, b]))
    expect([run.records.length, run.isEnded]).toEqual([400, false])
    reader!.pauseSplits!(new Set())
    await run.read()
    expect(run.records).toHaveLength(600)
    await run.close()
  })

  it('reads a paused file where files wait for their place, or these would hold back time for ever (R11)', async () => {
    for (let i = 0; i < 66; i++) await writeFile(join(folder, `${i}.csv`), idFile(i * 1_000, 2))
    const run = await open(fileSource({ path: folder, format: rows }))
    await loaded(run, 64)
    const finished = () => [...run.splits.values()].filter(({ isFinished }) => isFinished).length
    // The two that wait are opened when two others have been read; then nothing is read any more.
    const [reader] = run.readers
    for (let polls = 0; polls < 10; polls++) {
      reader!.pauseSplits!(new Set(run.splits.keys()))
      run.poll()
    }
    expect(finished()).toBe(2)
    await loaded(run, 2)
    reader!.pauseSplits!(new Set(run.splits.keys()))
    expect([run.poll(), finished()]).toEqual(['wait', 2])
    await run.close()
  })

  describe('of a long file', () => {
    const COUNT = 6_000
    // 1.2 MB: many chunks of 64 KiB.
    const text = idFile(0, COUNT, '"x,\n'.padEnd(190, 'é') + '"')

    it.each(['in.csv', 'in.csv.gz'])('resumes within it at any chunk: %s (R32)', async (name) => {
      const path = join(folder, name)
      await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text)
      for (const taken of [1, 170, 171, 999, 2_500, COUNT - 1, COUNT]) {
        const first = await open(fileSource({ path, format: rows }))
        await first.read(taken)
        const restored = first.snapshot(1)
        await first.close()
        const second = await open(fileSource({ path, format: rows }), { restored })
        await second.read()
        expect(idsOf(second)).toEqual(range(taken, COUNT - taken))
        await second.close()
      }
    })

    it('tells file, line and byte of the current record (R39)', async () => {
      const path = join(folder, 'in.csv')
      await writeFile(path, text)
      const run = await open(fileSource({ path, format: rows }))
      expect(run.readers[0]?.describePosition?.()).toBe('before the first record')
      await run.read(1_000)
      const before = Buffer.byteLength(idFile(0, 999, '"x,\n'.padEnd(190, 'é') + '"'))
      expect(run.readers[0]?.describePosition?.()).toBe(`${path}:${2 + 999 * 2} (byte ${before})`)
      const [reader] = run.readers
      const [split] = reader!.snapshotState(1) as readonly FileSplit[]
      const after = Buffer.byteLength(idFile(0, 1_000, '"x,\n'.padEnd(190, 'é') + '"'))
      expect(reader!.describeSplit?.(split!)).toBe(`${path}:${2 + 1_000 * 2} (byte ${after})`)
      expect(reader!.describeSplit?.({ ...split!, isFinished: true })).toBeUndefined()
      await run.close()
    })
  })

  describe('with a rate', () => {
    /** Records of a second of play. */
    const perSecond = (run: SourceRun<Row>) => {
      const before = run.records.length
      for (let t = 0; t < 1_000; t += 10) {
        run.clock.advance(10)
        for (let i = 0; i < 4; i++) run.poll()
      }
      return run.records.length - before
    }

    it.each([
      [1, 1, 1],
      [2, 2, 2],
      [3, 3, 3],
      [1, 2, 3],
      [3, 1, 2],
    ])(
      'plays at it over all subtasks, after a restore at any parallelism too: %i, %i, %i (semantics 2.9)',
      async (...parallelisms) => {
        for (let i = 0; i < 2; i++) await writeFile(join(folder, `${i}.csv`), idFile(0, 5_000))
        const source = () => fileSource({ path: folder, format: rows, rate: 500 })
        let restored: SourceSnapshot | undefined
        for (const [id, parallelism] of parallelisms.entries()) {
          const from = restored && rescaled(restored, parallelism)
          const run = await open(source(), { parallelism, restored: from })
          await loaded(run, 2)
          await run.read(1)
          for (let second = 0; second < 2; second++) {
            expect(Math.abs(perSecond(run) - 500)).toBeLessThanOrEqual(4)
          }
          restored = run.snapshot(id + 1)
          await run.close()
        }
      },
    )
  })

  describe('of a file that has changed since the checkpoint', () => {
    let path: string
    let restored: SourceSnapshot

    const source = () => fileSource({ path, format: rows })

    /** Reads 900 of 1,000 rows of about 200 bytes, so that the position lies far behind the first 64 KiB. */
    const checkpoint = async (content: string | Uint8Array) => {
      path = join(folder, content instanceof Uint8Array ? 'in.csv.gz' : 'in.csv')
      await writeFile(path, content)
      const run = await open(source())
      await run.read(900)
      restored = run.snapshot(1)
      await run.close()
    }

    const resume = async (...allow: readonly string[]) => {
      const run = await open(source(), { restored, allow })
      try {
        await run.read()
        return run
      } finally {
        await run.close()
      }
    }

    const content = idFile(0, 1_000, 'x'.repeat(190))
    const replaceAt = (at: number) => `${content.slice(0, at)}?${content.slice(at + 1)}`

    it.each([
      ['at its head', 50, /first 64 KiB are different/],
      ['before the position', 150_000, /64 KiB before byte \d+ are different/],
    ])('notices a change %s (R32)', async (_, at, message) => {
      await checkpoint(content)
      await writeFile(path, replaceAt(at))
      await expect(resume()).rejects.toMatchObject({
        code: 'MR_INPUT_CHANGED',
        message: expect.stringMatching(message),
      })
    })

    it('notices that it is shorter (R32)', async () => {
      await checkpoint(content)
      await writeFile(path, content.slice(0, -10))
      await expect(resume()).rejects.toThrow(/has \d+ bytes where it had \d+/)
    })

    it('notices another gzip file (R32)', async () => {
      await checkpoint(gzipSync(content))
      await writeFile(path, gzipSync(replaceAt(180_000), { level: 1 }))
      await expect(resume()).rejects.toMatchObject({ code: 'MR_INPUT_CHANGED' })
    })

    it('accepts growth only on request, and says so (R32)', async () => {
      await checkpoint(content)
      await appendFile(path, '1000,\n1001,\n')
      await expect(resume()).rejects.toThrow(
        /has grown from \d+ to \d+ bytes .*--allow-grown-input/,
      )
      const run = await resume('grown-input')
      expect(idsOf(run)).toEqual(range(900, 102))
      expect(run.logs).toEqual([expect.stringContaining('the new part is read too')])
    })

    it('accepts growth of a file that was read to its end, if its last line had ended (R32)', async () => {
      const whole = async (text: string) => {
        path = join(folder, 'in.csv')
        await writeFile(path, text)
        const run = await open(source())
        await run.read(3)
        restored = run.snapshot(1)
        await run.close()
        await appendFile(path, '3,\n')
        return resume('grown-input')
      }
      expect(idsOf(await whole(idFile(0, 3)))).toEqual([3])
      await expect(whole(idFile(0, 3).trimEnd())).rejects.toThrow(
        /behind a last record that had no line end/,
      )
    })

    it('never accepts growth of a gzip file (R32)', async () => {
      await checkpoint(gzipSync(content))
      await appendFile(path, gzipSync('1000,\n'))
      await expect(resume('grown-input')).rejects.toMatchObject({ code: 'MR_INPUT_CHANGED' })
    })

    it('notices that it is gone', async () => {
      await checkpoint(content)
      await rm(path)
      await expect(resume()).rejects.toMatchObject({ code: 'MR_INPUT_MISSING' })
    })
  })
})
