import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { fileSink, fileSinkOn } from '../../connectors/file-sink.ts'
import { csv } from '../../connectors/csv-format.ts'
import type { WriteFormat } from '../../connectors/format.ts'
import { parquet } from '../../connectors/formats/parquet-format.ts'
import { json } from '../../connectors/json-format.ts'
import { SeededRandom } from '../../runtime/clock.ts'
import { graphProblems } from '../../runtime/graph/validate-graph.ts'
import { type FileSystem, nodeFileSystem } from '../../runtime/file-system.ts'
import type { Sink } from '../../runtime/sink.ts'
import { sinkContract } from '../contract/sink.ts'
import { LINEAGE, SinkRun } from '../contract/sink-run.ts'
import { readCommitted } from '../crash/committed-output.ts'
import { askDuckDb } from '../harness/duckdb.ts'
import { temporaryFolders } from './temporary-folder.ts'

const newFolder = temporaryFolders()

sinkContract({
  name: 'file',
  guarantee: 'exactly-once',
  open: async () => {
    const dir = join(await newFolder(), 'out')
    return {
      create: () => fileSink({ dir, format: json() }),
      read: async () => (await readCommitted(dir)).rows,
    }
  },
})

sinkContract({
  name: 'file, compressed',
  guarantee: 'exactly-once',
  open: async () => {
    const dir = join(await newFolder(), 'out')
    return {
      create: () => fileSink({ dir, format: json(), compression: 'gzip' }),
      read: async () => {
        const names = (await readdir(dir)).filter((name) => name.startsWith('part-')).sort()
        const files = await Promise.all(names.map((name) => readFile(join(dir, name))))
        return files.flatMap((file) => gunzipSync(file).toString().split('\n').slice(0, -1))
      },
    }
  },
})

type Options = Partial<Parameters<typeof fileSink<unknown>>[0]>

async function openSink(options: Options = {}, fileSystem: FileSystem = nodeFileSystem) {
  const dir = join(await newFolder(), 'deep', 'out')
  const sink = fileSinkOn<unknown>(fileSystem, { dir, format: json(), ...options })
  await prepare(sink)
  return { dir, sink, run: new SinkRun(sink) }
}

async function prepare(sink: Sink<unknown>) {
  await sink.prepareOutput?.({
    uid: 'alerts',
    current: { lineage: LINEAGE, checkpointId: 0 },
    ancestry: [],
    policy: 'refuse',
    pending: [],
    log() {},
  })
}

/** A file system on which some calls fail. */
function failing(call: keyof FileSystem | 'write' | 'sync', code: string): FileSystem {
  const fail = () => Promise.reject(Object.assign(new Error(`${code}: no`), { code }))
  if (call !== 'write' && call !== 'sync') return { ...nodeFileSystem, [call]: fail }
  return {
    ...nodeFileSystem,
    create: async (path) => ({ ...(await nodeFileSystem.create(path)), [call]: fail }),
  }
}

describe('fileSink', () => {
  it('infers the record type from the format', () => {
    expectTypeOf(fileSink({ dir: 'out', format: json<{ a: number }>() })).toExtend<
      Sink<{ a: number }>
    >()
  })

  it('has its absolute directory as identity, and can take back (R3, R5)', () => {
    const sink = fileSink({ dir: 'out/alerts', format: json() })
    expect(sink.identity).toEqual({ directory: resolve('out/alerts') })
    expect(fileSink({ dir: pathToFileURL('/a b'), format: json() }).identity).toEqual({
      directory: '/a b',
    })
    expect(sink).toMatchObject({ kind: 'file', guarantee: 'exactly-once', canTakeBack: true })
  })

  it.each([
    ['gzip', '.jsonl.gz'],
    ['zstd', '.jsonl.zst'],
  ] as const)(
    'compresses by %s, in pieces that are one file, of about the size that is wanted',
    async (compression, suffix) => {
      const rollSize = 1_500_000
      const { dir, run } = await openSink({ compression, rollSize })
      const random = new SeededRandom(1)
      const count = 20_000
      for (let id = 0; id < count; id++) {
        run.write({ id, numbers: Array.from({ length: 20 }, () => random.next()) })
        while (!run.writer.isReady) await new Promise(setImmediate)
      }
      await run.commit(await run.cut(1))
      await run.close()
      // Node takes the first piece of zstd for all of it.
      const [found] = await askDuckDb(
        `select count(*)::int as rows, count(distinct id)::int as ids from read_json('${dir}/part-*')`,
      )
      expect(found).toEqual({ rows: count, ids: count })
      const names = await readdir(dir)
      expect(names.filter((name) => !name.endsWith(suffix))).toEqual([])
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size))
      // What is being compressed counts as it is, or not yet: a piece or two more or less.
      const least = sizes.toSorted((a, b) => a - b)[1]!
      expect(least).toBeGreaterThan(0.5 * rollSize)
      expect(Math.max(...sizes)).toBeLessThan(1.5 * rollSize)
    },
  )

  it.each(['s3://lake/alerts', 's3://lake/alerts/', new URL('s3://lake/alerts')])(
    'is an s3Sink at %s, of any format',
    (dir) => {
      const formats = [json<{ id: number }>(), parquet({ schema: { id: 'int32' } })]
      for (const format of formats) {
        expect(fileSink({ dir, format, s3: { region: 'eu-central-1' } })).toMatchObject({
          kind: 's3',
          guarantee: 'exactly-once',
          identity: { url: 's3://lake/alerts/' },
        })
      }
    },
  )

  it('names its own option where an address in S3 is none', () => {
    const make = () => fileSink({ dir: 's3://Lake//x', format: json() })
    expect(make).toThrow(/^fileSink\(\): dir is .*"s3:\/\/Lake\/\/x"/)
    expect(make).toThrow(expect.objectContaining({ code: 'MR_SINK_INVALID' }))
  })

  it.each([
    ['dir', { dir: '' }],
    ['format', { format: undefined }],
    ['format.suffix', { format: { encode: String, suffix: '/../x' } }],
    ['format.suffix', { format: { encode: String, suffix: 'jsonl' } }],
    ['rollSize', { rollSize: 0 }],
    ['rollSize', { rollSize: 1.5 }],
    ['rollInterval', { rollInterval: 0 }],
    ['compression', { compression: 'snappy' }],
    ['compression', { dir: 's3://lake/x', compression: 'lz4' }],
    ['format', { format: parquet({ schema: { id: 'int32' } }) }],
    ['s3', { s3: { region: 'eu-central-1' } }],
    ['region', { dir: 's3://lake/x', s3: { region: 'EU' } }],
    ['partitions', { dir: 's3://lake/x', s3: { partitions: {} } }],
    ['partitions', { dir: 's3://lake/x', partitions: {} }],
    ['rollSize', { dir: 's3://lake/x', rollSize: 0 }],
    ['rollSize', { dir: 's3://lake/x', rollSize: 2 ** 50 }],
    ['format', { dir: 's3://lake/x', format: undefined }],
  ])('refuses a bad %s', (option, options) => {
    const all = { dir: 'out', format: json(), ...options } as never
    expect(() => fileSink(all)).toThrow(
      expect.objectContaining({
        code: 'MR_SINK_INVALID',
        fields: expect.objectContaining({ option }),
      }),
    )
  })

  it('keeps unfinished files behind a dot, and finishes them by renaming (R33)', async () => {
    const { dir, run } = await openSink()
    run.write({ a: 1 })
    const cut = run.cut(5)
    run.write({ a: 2 })
    expect(await cut).toEqual([{ name: `part-${LINEAGE}-5-0-0.jsonl`, bytes: 8 }])
    expect(await readdir(dir)).toEqual([`.part-${LINEAGE}-5-0-0.jsonl.pending`])
    await run.commit(await cut)
    await run.commit(await run.cut(6))
    expect(await readdir(dir)).toEqual([
      `part-${LINEAGE}-5-0-0.jsonl`,
      `part-${LINEAGE}-6-0-0.jsonl`,
    ])
    expect(await readFile(join(dir, `part-${LINEAGE}-6-0-0.jsonl`), 'utf8')).toBe('{"a":2}\n')
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    await run.close()
  })

  it('creates no file without records', async () => {
    const { dir, run } = await openSink()
    expect(await run.cut(1)).toEqual([])
    expect(await readdir(dir)).toEqual([])
  })

  it('leaves nothing but pending files when it is closed', async () => {
    const { dir, run } = await openSink({ rollSize: 10 })
    run.write({ a: 1 })
    await run.cut(1)
    run.write({ a: 2 }, { a: 3 }, { a: 4 })
    await run.close()
    expect(await readdir(dir)).toEqual([`.part-${LINEAGE}-1-0-0.jsonl.pending`])
    expect(run.failure).toBe(undefined)
  })

  it('rolls files by size, at the end of a record', async () => {
    const { dir, run } = await openSink({ rollSize: 20 })
    for (let a = 1; a <= 7; a++) run.write({ a })
    const parts = await run.cut(3)
    expect(parts).toEqual([
      { name: `part-${LINEAGE}-3-0-0.jsonl`, bytes: 24 },
      { name: `part-${LINEAGE}-3-0-1.jsonl`, bytes: 24 },
      { name: `part-${LINEAGE}-3-0-2.jsonl`, bytes: 8 },
    ])
    await run.commit(parts)
    expect((await readCommitted(dir)).rows).toHaveLength(7)
  })

  it('begins each file with the header of the format, and no file for that alone', async () => {
    const format = csv({ columns: { a: 'number' } }) as WriteFormat<unknown>
    const { dir, run } = await openSink({ rollSize: 20, format })
    for (let a = 1; a <= 20; a++) run.write({ a })
    const parts = (await run.cut(1)) as readonly { readonly name: string }[]
    await run.commit(parts)
    expect(parts.length).toBeGreaterThan(1)
    let numbers = ''
    for (const { name } of parts) {
      const text = await readFile(join(dir, name), 'utf8')
      expect(text).toMatch(/^a\n\d/)
      numbers += text.slice(2)
    }
    expect(numbers).toBe(Array.from({ length: 20 }, (_, i) => `${i + 1}\n`).join(''))
    expect(await run.cut(2)).toEqual([])
  })

  it('rolls files by age from their first record on', async () => {
    const { run } = await openSink({ rollInterval: '1m' })
    run.clock.advance(59_000)
    run.write({ a: 1 })
    run.clock.advance(59_000)
    run.write({ a: 2 })
    run.clock.advance(1_000)
    run.write({ a: 3 })
    run.clock.advance(30_000)
    expect(await run.cut(1)).toMatchObject([{ bytes: 16 }, { bytes: 8 }])
    expect(run.clock.nextDelay).toBe(undefined)
    run.clock.advance(600_000)
    expect(await run.cut(2)).toEqual([])
  })

  it('withholds credit while much is unwritten, and wakes when there is room (R7)', async () => {
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    const { dir } = await openSink()
    const gated: FileSystem = {
      ...nodeFileSystem,
      create: async (path) => {
        await gate
        return nodeFileSystem.create(path)
      },
    }
    const run = new SinkRun(fileSinkOn<unknown>(gated, { dir, format: json() }))
    const record = { text: 'x'.repeat(10_000) }
    let records = 0
    for (; run.writer.isReady; records++) run.write(record)
    expect(records * 10_000).toBeGreaterThan(900_000)
    expect(records * 10_000).toBeLessThan(1_300_000)
    expect(run.wakes).toBe(0)
    release()
    const [part] = (await run.cut(1)) as [{ bytes: number }]
    expect(part.bytes).toBe(records * 10_012)
    expect(run.wakes).toBe(1)
    expect(run.writer.isReady).toBe(true)
    await run.close()
  })

  it.each(['write', 'sync', 'rename', 'syncDirectory'] as const)(
    'ends the attempt when %s fails, and can be restarted (R33)',
    async (call) => {
      const dir = await newFolder()
      await prepare(fileSink({ dir, format: json() }))
      const run = new SinkRun(fileSinkOn(failing(call, 'ENOSPC'), { dir, format: json() }))
      run.write({ a: 1 })
      const error = await run.cut(1).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        name: 'RestartableError',
        code: 'MR_OUTPUT_FAILED',
        fields: { operator: 'sink', path: dir, systemCode: 'ENOSPC' },
      })
      expect((error as Error).message).toMatch(/ENOSPC.*free some space/)
      expect(run.failure).toBe(error)
      expect(run.writer.isReady).toBe(false)
      await expect(run.cut(2)).rejects.toBe(error)
      await run.close()
    },
  )

  it('is not restarted where the directory cannot be written', async () => {
    const dir = await newFolder()
    const sink = fileSinkOn(failing('create', 'EACCES'), { dir, format: json() })
    await expect(prepare(sink)).rejects.toMatchObject({
      name: 'StreamError',
      code: 'MR_OUTPUT_FAILED',
      message: expect.stringMatching(/EACCES.*right to write/),
    })
  })

  it('names a file that is in the way of its directory', async () => {
    const folder = await newFolder()
    await writeFile(join(folder, 'file'), '')
    for (const dir of [join(folder, 'file'), join(folder, 'file', 'below')]) {
      await expect(prepare(fileSink({ dir, format: json() }))).rejects.toMatchObject({
        name: 'StreamError',
        code: 'MR_OUTPUT_FAILED',
        message: expect.stringMatching(/move the file that is in the way/),
      })
    }
  })

  it('fails loudly when a pending file is gone, short or there already (R33)', async () => {
    const { dir, sink, run } = await openSink()
    run.write({ a: 1 })
    const parts = await run.cut(1)
    const pending = join(dir, `.part-${LINEAGE}-1-0-0.jsonl.pending`)
    const finished = join(dir, `part-${LINEAGE}-1-0-0.jsonl`)
    const commit = () => new SinkRun(sink).commit(parts)
    await writeFile(finished, '{"b":1}\n')
    await expect(commit()).rejects.toMatchObject({ code: 'MR_OUTPUT_CONFLICT' })
    await rm(finished)
    await writeFile(pending, '{"a"')
    await expect(commit()).rejects.toThrow(/has 4 bytes instead of 8/)
    await rm(pending)
    await expect(commit()).rejects.toMatchObject({
      name: 'StreamError',
      code: 'MR_OUTPUT_FAILED',
      fields: { path: finished },
    })
  })

  it('is refused twice for one directory in a job', () => {
    const sinkNode = (id: number, dir: string) => ({
      id,
      type: 'sink' as const,
      operatorKind: 'file',
      uid: `sink-${id}`,
      name: `sink-${id}`,
      parallelism: undefined,
      sink: fileSink({ dir, format: json() }) as Sink<unknown>,
      inputs: [],
      exchange: undefined,
    })
    const problems = (...dirs: readonly string[]) =>
      graphProblems({ nodes: dirs.map((dir, i) => sinkNode(i, dir)) } as never, {
        job: 'job',
        parallelism: 1,
        maxParallelism: 128,
      }).map((problem) => problem.message)
    const message = expect.stringMatching(/sink "sink-0" and sink "sink-1" write to the same place/)
    expect(problems('a', './a')).toContainEqual(message)
    expect(problems('a', 'b')).not.toContainEqual(message)
  })
})
