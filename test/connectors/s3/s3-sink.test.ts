import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { csv } from '../../../connectors/csv-format.ts'
import { avroFile } from '../../../connectors/formats/avro-file.ts'
import { json } from '../../../connectors/json-format.ts'
import { eventTime } from '../../../connectors/s3/event-time.ts'
import { s3Sink, s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import type { Sink } from '../../../runtime/sink.ts'
import { sinkContract } from '../../contract/sink.ts'
import { askDuckDb } from '../../harness/duckdb.ts'
import { temporaryFolders } from '../temporary-folder.ts'
import { MemoryBucket } from './memory-bucket.ts'
import { MIB, path, rowsIn, start, name } from './sink-runs.ts'

const newFolder = temporaryFolders()

sinkContract({
  name: 's3',
  guarantee: 'exactly-once',
  open: async () => {
    const bucket = new MemoryBucket()
    return {
      create: () => s3SinkOn(() => bucket.store(), { path, format: json() }) as Sink<unknown>,
      read: async () => rowsIn(bucket),
    }
  },
})

// The same with objects that are too large for the checkpoint: each record has 100 KiB in front of it.
sinkContract({
  name: 's3, with uploads',
  guarantee: 'exactly-once',
  open: async () => {
    const bucket = new MemoryBucket()
    const encode = (value: unknown) => `${' '.repeat(100 * 1024)}${JSON.stringify(value)}\n`
    const format = { suffix: '.jsonl', encode }
    return {
      create: () => s3SinkOn(() => bucket.store(), { path, format }) as Sink<unknown>,
      read: async () => rowsIn(bucket).map((row) => row.trimStart()),
    }
  },
})

describe('s3Sink', () => {
  it('names objects after partitions, lineage, checkpoint and subtask', async () => {
    const { bucket, run } = start<{ c: string | null }>({
      partitions: { dt: eventTime('day'), hour: eventTime('hour'), c: (value) => value.c },
    })
    const time = Date.UTC(2026, 10, 22, 5, 7)
    run.writer.write({ c: 'DE' }, time)
    run.writer.write({ c: 'a/b=ü c' }, time + 3_600_000)
    run.writer.write({ c: null }, time)
    run.writer.write({ c: 'DE' }, time + 1)
    await run.commit(await run.cut(1))
    const none = 'c=__HIVE_DEFAULT_PARTITION__'
    expect(bucket.keys).toEqual([
      `clicks/dt=2026-11-22/hour=05/c=DE/${name(1, 0)}`,
      `clicks/dt=2026-11-22/hour=05/${none}/${name(1, 2)}`,
      `clicks/dt=2026-11-22/hour=06/c=a%2Fb%3Dü c/${name(1, 1)}`,
    ])
    expect(bucket.text(bucket.keys[0]!)).toBe('{"c":"DE"}\n{"c":"DE"}\n')
  })

  it('names what begins before the first cut after the checkpoint that it goes on from', async () => {
    const { bucket, run } = start({}, { restoredCheckpointId: 7 })
    run.write(1)
    await run.commit(await run.cut(9))
    run.write(2)
    await run.commit(await run.cut(11))
    expect(bucket.keys).toEqual([`clicks/${name(10, 0)}`, `clicks/${name(8, 0)}`])
  })

  it('keeps small objects in the checkpoint and writes them in one request', async () => {
    const { bucket, run } = start()
    run.write({ a: 1 })
    const parts = await run.cut(1)
    expect(bucket.calls).toEqual([])
    expect(parts).toMatchObject([{ key: `clicks/${name(1, 0)}`, bytes: 8 }])
    await run.commit(parts)
    expect(bucket.calls).toEqual(['put'])
  })

  it('holds at most 1 MiB of small objects in the checkpoint', async () => {
    const { bucket, run } = start<{ p: number }>({ partitions: { p: ({ p }) => p } })
    const text = 'x'.repeat(60_000)
    for (let p = 0; p < 30; p++) run.write({ p, text } as never)
    const parts = (await run.cut(1)) as readonly { readonly body?: Uint8Array }[]
    const held = parts.filter(({ body }) => body !== undefined)
    expect([parts.length, held.length]).toEqual([30, 17])
    expect(bucket.uploads.size).toBe(13)
    await run.commit(parts)
    expect([bucket.keys.length, bucket.uploads.size]).toEqual([30, 0])
  })

  it('uploads parts of at least 5 MiB while an object grows, and shows nothing of it', async () => {
    const { bucket, run } = start({ rollSize: 12 * MIB })
    const record = { text: 'x'.repeat(99_988) }
    for (let i = 0; i < 250; i++) run.write(record)
    await new Promise(setImmediate)
    expect(bucket.calls.filter((call) => call === 'uploadPart').length).toBeGreaterThanOrEqual(4)
    expect(bucket.keys).toEqual([])
    const parts = await run.cut(1)
    expect(parts).toMatchObject([{ bytes: 12_600_000 }, { bytes: 12_400_000 }])
    expect(bucket.keys).toEqual([])
    await run.commit(parts)
    expect(rowsIn(bucket)).toHaveLength(250)
    expect(bucket.uploads.size).toBe(0)
  })

  it('rolls by age, each object from its own first record on', async () => {
    const { run } = start<number>({ rollInterval: '1m', partitions: { p: (value) => value % 2 } })
    run.write(0)
    run.clock.advance(30_000)
    run.write(1)
    run.clock.advance(30_000)
    run.write(2)
    run.clock.advance(30_000)
    run.write(3)
    const parts = (await run.cut(1)) as readonly { readonly bytes: number }[]
    expect(parts.map(({ bytes }) => bytes)).toEqual([2, 2, 2, 2])
    expect(run.clock.nextDelay).toBe(undefined)
  })

  it.each([
    ['gzip', '.jsonl.gz'],
    ['zstd', '.jsonl.zst'],
  ] as const)('compresses by %s, in pieces that are one file', async (compression, suffix) => {
    const { bucket, run } = start({ compression })
    const text = 'x'.repeat(1_000)
    for (let i = 0; i < 3_000; i++) run.write({ i, text })
    await run.commit(await run.cut(1))
    expect(bucket.keys).toEqual([`clicks/${name(1, 0, suffix)}`])
    const { body } = bucket.objects.get(bucket.keys[0]!)!
    expect(body.byteLength).toBeLessThan(60_000)
    const file = join(await newFolder(), `rows${suffix}`)
    await writeFile(file, body)
    const rows = await askDuckDb(`select i::int as i from '${file}'`)
    expect(rows.map(({ i }) => i)).toEqual([...Array(3_000).keys()])
  })

  it('begins each object of CSV with its header', async () => {
    const format = csv({ columns: { a: 'number', p: 'string' } })
    const { bucket, run } = start<{ a: number; p: string }>({
      format,
      partitions: { p: ({ p }) => p },
    })
    run.write({ a: 1, p: 'x' }, { a: 2, p: 'y' }, { a: 3, p: 'x' })
    await run.commit(await run.cut(1))
    expect(bucket.keys.map((key) => bucket.text(key))).toEqual(['a,p\n1,x\n3,x\n', 'a,p\n2,y\n'])
  })

  it('withholds credit while much is on its way, and wakes when there is room (R7)', async () => {
    const { bucket, run } = start()
    let release = () => {}
    const gate = new Promise<'done'>((resolve) => (release = () => resolve('done')))
    bucket.fate = () => gate
    const record = { text: 'x'.repeat(99_988) }
    let records = 0
    for (; run.writer.isReady; records++) run.write(record)
    expect(records * 100_000).toBeGreaterThan(20 * MIB - 100_000)
    expect(records * 100_000).toBeLessThan(30 * MIB)
    release()
    await run.commit(await run.cut(1))
    expect(run.wakes).toBeGreaterThan(0)
    expect([run.writer.isReady, rowsIn(bucket).length]).toEqual([true, records])
  })

  it('ends the largest object where too much is held in memory', async () => {
    const { bucket, run } = start<{ p: number }>({ partitions: { p: ({ p }) => p } })
    const text = 'x'.repeat(1_000_000)
    // 20 objects grow side by side to 3 to 5 MB, which is no part yet.
    for (let n = 0; n < 5; n++) for (let p = 0; p < 20; p++) run.write({ p, text } as never)
    const parts = (await run.cut(1)) as readonly { readonly bytes: number }[]
    expect(parts.length).toBeGreaterThan(20)
    await run.commit(parts)
    expect(rowsIn(bucket)).toHaveLength(100)
  })

  describe('records that cannot be written', () => {
    const partitions = { dt: eventTime('day') }

    it('stop the job by default', () => {
      const { run } = start({ partitions })
      expect(() => run.writer.write({ a: Number.NaN }, 0)).toThrow(
        expect.objectContaining({ name: 'StreamError', code: 'MR_VALUE_UNSUPPORTED' }),
      )
      expect(() => run.writer.write({ a: 1 }, -Infinity)).toThrow(
        expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' }),
      )
      const broken = start({ partitions: { p: (value) => (value as { a: { b: 1 } }).a.b } })
      expect(() => broken.run.writer.write({}, 0)).toThrow(
        expect.objectContaining({ code: 'MR_FUNCTION_FAILED' }),
      )
      const long = start({ partitions: { p: () => 'x'.repeat(1_000) } })
      expect(() => long.run.writer.write({}, 0)).toThrow(/1,024/)
    })

    it('are left out where onError says so, and leave nothing', async () => {
      const { bucket, run } = start({ partitions, onError: 'skip' })
      run.writer.write({ a: Number.NaN }, 0)
      expect(await run.cut(1)).toEqual([])
      run.writer.write({ a: 1 }, 0)
      run.writer.write({ a: Number.NaN }, 0)
      await run.commit(await run.cut(2))
      expect(rowsIn(bucket)).toEqual(['{"a":1}'])
    })

    it('go below another prefix, exactly once', async () => {
      const onError = { prefix: 'errors/clicks' }
      const { bucket, run } = start({ partitions, onError })
      run.writer.write({ a: 1 }, -Infinity)
      run.writer.write({ a: 1 }, 5)
      run.writer.write({ a: Number.NaN }, 6)
      const parts = await run.cut(1)
      expect(bucket.keys).toEqual([])
      await run.commit(parts)
      await run.commit(parts)
      const key = `errors/clicks/${name(1, 0)}`
      expect(bucket.keys).toEqual([`clicks/dt=1970-01-01/${name(1, 1)}`, key].sort())
      expect(
        bucket
          .text(key)
          .trimEnd()
          .split('\n')
          .map((row) => JSON.parse(row) as unknown),
      ).toEqual([
        { code: 'MR_TIMESTAMP_INVALID', error: expect.any(String) as string, record: { a: 1 } },
        {
          code: 'MR_VALUE_UNSUPPORTED',
          error: expect.stringContaining('NaN') as string,
          timestamp: 6,
          record: '{ a: NaN }',
        },
      ])
    })
  })

  it.each([
    ['path', { path: '/local' }],
    ['path', { path: 's3://UPPER/x' }],
    ['format', { format: undefined }],
    ['format.suffix', { format: { encode: String, suffix: '/../x' } }],
    ['compression', { compression: 'lzma' }],
    ['compression', { compression: 'gzip', format: avroFile({ schema: 'int' }) }],
    ['rollSize', { rollSize: 0 }],
    ['rollSize', { rollSize: 1e15 }],
    ['rollInterval', { rollInterval: 0 }],
    ['partitions', { partitions: { 'a b': () => 1 } }],
    ['partitions', { partitions: [] }],
    ['partitions.a', { partitions: { a: 'day' } }],
    ['onError', { onError: 'no' }],
    ['onError.prefix', { onError: { prefix: 'clicks/errors' } }],
    ['settings', { settings: { Body: 1 } }],
    ['region', { region: 5 }],
    ['unknown', { unknown: 1 }],
  ])('refuses a bad %s', (option, options) => {
    const all = { path, format: json(), ...options } as never
    expect(() => s3Sink(all)).toThrow(
      expect.objectContaining({
        code: 'MR_SINK_INVALID',
        message: expect.stringContaining(option) as string,
      }),
    )
  })

  it('is identified by its place, and can take back (R3, R5)', () => {
    expect(s3Sink({ path, format: json() })).toMatchObject({
      kind: 's3',
      guarantee: 'exactly-once',
      identity: { url: 's3://lake/clicks/' },
      canTakeBack: true,
    })
  })
})
