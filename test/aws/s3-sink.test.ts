import { expect, it } from 'vitest'
import { parquet } from '../../connectors/formats/parquet-format.ts'
import { json } from '../../connectors/json-format.ts'
import { eventTime } from '../../connectors/s3/event-time.ts'
import { s3Sink } from '../../connectors/s3/s3-sink.ts'
import type { S3SinkOptions } from '../../connectors/s3/s3-sink-options.ts'
import type { Sink } from '../../runtime/sink.ts'
import { temporaryFolders } from '../connectors/temporary-folder.ts'
import { sinkContract } from '../contract/sink.ts'
import { LINEAGE, SinkRun } from '../contract/sink-run.ts'
import { askDuckDb } from '../harness/duckdb.ts'
import { describeS3, standIn } from '../servers/aws-for-tests.ts'
import { FaultProxy, s3Failure } from '../servers/fault-proxy.ts'
import { download } from './download.ts'

const newFolder = temporaryFolders()

async function prepare(sink: Sink<unknown>, lineage = LINEAGE): Promise<void> {
  const context = {
    uid: 'lake',
    current: { lineage, checkpointId: 0 },
    ancestry: [],
    policy: 'refuse' as const,
    pending: [],
    log() {},
  }
  await sink.checkOutput!(context)
  await sink.prepareOutput!(context)
}

describeS3('s3Sink', (s3) => {
  sinkContract({
    name: 's3 on moto',
    guarantee: 'exactly-once',
    open: async () => {
      const bucket = await s3.createBucket()
      const store = s3.store(bucket)
      const options = { ...standIn(s3.endpoint), path: `s3://${bucket}/out`, format: json() }
      return {
        create: () => s3Sink<unknown>(options),
        read: async () => {
          const rows: string[] = []
          for await (const { key } of store.list('out/')) {
            const text = Buffer.from((await store.get(key))!.body).toString()
            rows.push(...text.split('\n').slice(0, -1))
          }
          return rows
        },
      }
    },
  })

  it.each<[string, Partial<S3SinkOptions<unknown>>]>([
    ['small objects', {}],
    ['uploads of several parts', { rollSize: 12 * 1024 * 1024 }],
  ])('writes %s once where every second request fails or loses its answer', async (what, more) => {
    const bucket = await s3.createBucket()
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: ({ nth, operation }) => {
        if (nth % 2 === 1 || operation === 'ListObjectsV2') return undefined
        const kind = (nth / 2) % 3
        if (kind === 0) return { loses: 'answer' }
        return { answer: kind === 1 ? s3Failure('SlowDown', 503) : s3Failure('InternalError', 500) }
      },
    })
    const sink = s3Sink<unknown>({
      ...standIn(proxy.endpoint),
      path: `s3://${bucket}/out`,
      format: json(),
      ...more,
    })
    const size = what === 'small objects' ? 10 : 1_000_000
    await prepare(sink)
    const run = new SinkRun(sink)
    const store = s3.store(bucket)
    const ids = Array.from({ length: 20 }, (_, i) => i)
    for (const id of ids) run.write({ id, text: 'x'.repeat(size) })
    const parts = await run.cut(1)
    for await (const { key } of store.list('')) expect.fail(`${key} is visible too early`)
    await run.commit(parts)
    // As another process does that has not heard of it.
    await run.commit(parts)
    await run.close()
    const found: number[] = []
    for await (const { key } of store.list('out/')) {
      const text = Buffer.from((await store.get(key))!.body).toString()
      found.push(
        ...text
          .trimEnd()
          .split('\n')
          .map((row) => (JSON.parse(row) as { id: number }).id),
      )
    }
    expect(found.sort((a, b) => a - b)).toEqual(ids)
    expect(await store.listUploads('')).toEqual([])
    expect(run.failure).toBe(undefined)
    expect([...proxy.faults.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(1)
    await proxy.stop()
  })

  it('writes tables that DuckDB reads, with their partitions, as Parquet and as compressed JSON', async () => {
    const bucket = await s3.createBucket()
    const store = s3.store(bucket)
    const rows = Array.from({ length: 500 }, (_, id) => ({
      id,
      at: Date.UTC(2026, 10, 22, 22) + id * 30_000,
      country: ['DE', 'a/b', 'ü'][id % 3]!,
      price: `${id}.25`,
    }))
    type Row = (typeof rows)[number]
    const partitions = { dt: eventTime('day'), place: (row: Row) => row.country }
    const common = {
      ...standIn(s3.endpoint),
      partitions,
      settings: { StorageClass: 'STANDARD_IA' },
    }
    const schema = {
      id: 'int64',
      at: 'timestamp',
      country: 'string',
      price: { decimal: [9, 2] },
    } as const
    const sinks = {
      parquet: s3Sink<Row>({
        ...common,
        path: `s3://${bucket}/parquet`,
        format: parquet({ schema }),
      }),
      json: s3Sink<Row>({
        ...common,
        path: `s3://${bucket}/json`,
        format: json<Row>(),
        compression: 'zstd',
      }),
    }
    const folder = await newFolder()
    for (const [kind, sink] of Object.entries(sinks)) {
      const run = new SinkRun<Row>(sink)
      for (const row of rows) run.writer.write(row, row.at)
      await run.commit(await run.cut(1))
      await run.close()
      await download(store, `${kind}/`, folder)
      const found = await askDuckDb(`
        select id::int as id, country, price::double as price, dt::varchar as dt, place
        from read_${kind}('${folder}/${kind}/*/*/*', hive_partitioning = true, hive_types_autocast = false) order by id`)
      expect(found).toEqual(
        rows.map(({ id, at, country, price }) => ({
          id,
          country,
          price: Number(price),
          dt: new Date(at).toISOString().slice(0, 10),
          place: country,
        })),
      )
    }
  })

  it('says at the start what is wrong, and refuses the prefix of another run', async () => {
    const bucket = await s3.createBucket()
    const options = { ...standIn(s3.endpoint), format: json() }
    const missing = s3Sink<unknown>({ ...options, path: 's3://no-such-bucket-of-ours/out' })
    await expect(prepare(missing)).rejects.toMatchObject({ code: 'MR_AWS_MISSING' })
    const sink = s3Sink<unknown>({ ...options, path: `s3://${bucket}/out` })
    await prepare(sink)
    const run = new SinkRun(sink)
    run.write(1)
    await run.commit(await run.cut(1))
    await run.close()
    await expect(prepare(sink, 'b'.repeat(16))).rejects.toMatchObject({
      code: 'MR_OUTPUT_CONFLICT',
    })
  })
})
