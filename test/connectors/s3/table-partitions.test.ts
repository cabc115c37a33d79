import { describe, expect, it } from 'vitest'
import { json } from '../../../connectors/json-format.ts'
import { eventTime } from '../../../connectors/s3/event-time.ts'
import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import type { S3SinkOptions } from '../../../connectors/s3/s3-sink-options.ts'
import { TablePartitions } from '../../../connectors/s3/table-partitions.ts'
import type { Sink } from '../../../runtime/sink.ts'
import { LINEAGE, SinkRun, type SinkRunOptions } from '../../contract/sink-run.ts'
import { MemoryBucket } from './memory-bucket.ts'
import { MemoryCatalog } from './memory-catalog.ts'

interface Click {
  readonly country: string | null
  readonly at: number
}

const NOON = Date.UTC(2026, 10, 22, 12)
const partitions = { dt: eventTime('day'), country: (click: Click) => click.country }

function place(location = 's3://lake/clicks/', keys: readonly string[] = ['dt', 'country']) {
  const bucket = new MemoryBucket()
  const catalog = new MemoryCatalog(location, keys)
  const makeSink = (options: Partial<S3SinkOptions<Click>> = {}): Sink<Click> =>
    s3SinkOn<Click>(
      () => bucket.store(),
      { path: 's3://lake/clicks', format: json<Click>(), partitions, ...options },
      () => catalog.catalog(),
    ) as Sink<Click>
  const start = (options: Partial<S3SinkOptions<Click>> = {}, run: SinkRunOptions = {}) =>
    new SinkRun<Click>(makeSink(options), run)
  const check = () =>
    makeSink().checkOutput!({
      uid: 'lake',
      current: { lineage: LINEAGE, checkpointId: 0 },
      ancestry: [],
      policy: 'refuse',
      pending: [],
      log() {},
    })
  return { bucket, catalog, start, check }
}

function write(run: SinkRun<Click>, country: string | null, at = NOON): void {
  run.writer.write({ country, at }, at)
}

describe('the table of s3Sink', () => {
  it('gets the partitions of a checkpoint once its objects are there, each once', async () => {
    const { bucket, catalog, start } = place()
    const run = start()
    write(run, 'DE')
    write(run, 'a/b=ü')
    write(run, null, NOON + 86_400_000)
    let objectsBefore = 0
    catalog.fate = () => {
      objectsBefore = bucket.keys.length
      return 'done'
    }
    await run.commit(await run.cut(1))
    expect([...catalog.partitions]).toEqual([
      ['2026-11-22/DE', 's3://lake/clicks/dt=2026-11-22/country=DE/'],
      ['2026-11-22/a/b=ü', 's3://lake/clicks/dt=2026-11-22/country=a%2Fb%3Dü/'],
      [
        '2026-11-23/__HIVE_DEFAULT_PARTITION__',
        's3://lake/clicks/dt=2026-11-23/country=__HIVE_DEFAULT_PARTITION__/',
      ],
    ])
    expect(objectsBefore).toBe(3)
    expect(catalog.calls).toEqual(['describe', 'createPartitions'])
    write(run, 'DE')
    await run.commit(await run.cut(2))
    expect(catalog.calls).toHaveLength(2)
    write(run, 'FR')
    await run.commit(await run.cut(3))
    expect(catalog.calls).toHaveLength(4)
    expect([...catalog.partitions.keys()].at(-1)).toBe('2026-11-22/FR')
    await run.close()
    expect(catalog.openClients).toBe(0)
  })

  it('is not looked at before there is something to add, nor without partitions to add', async () => {
    const { catalog, start } = place()
    const run = start({ onError: { prefix: 'broken' } })
    await run.commit(await run.cut(1))
    // Its day cannot be told, so it goes to the prefix for such records.
    write(run, 'DE', -Infinity)
    await run.commit(await run.cut(2))
    expect(catalog.calls).toEqual([])
  })

  it.each(['fails', 'done, then fails'] as const)(
    'fails a commit that it does not hear of, which is made again by the next attempt: %s',
    async (fate) => {
      const { bucket, catalog, start } = place()
      const run = start()
      write(run, 'DE')
      const parts = await run.cut(1)
      catalog.fate = (call) => (call === 'createPartitions' ? fate : 'done')
      await expect(run.commit(parts)).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
      await expect(run.commit(parts)).rejects.toMatchObject({ name: 'RestartableError' })
      expect(bucket.keys).toHaveLength(1)
      catalog.fate = () => 'done'
      const next = start({}, { attempt: 2, restoredCheckpointId: 1 })
      await next.commit(parts)
      expect([...catalog.partitions.keys()]).toEqual(['2026-11-22/DE'])
      expect(bucket.keys).toHaveLength(1)
    },
  )

  it('has the partition of an object that was complete when its job went back to before that', async () => {
    const { catalog, start } = place()
    const run = start({ spansCheckpoints: true })
    write(run, 'DE')
    const going = await run.cut(1)
    const ended = await run.cut(2, 1, true)
    catalog.fate = () => 'fails'
    await expect(run.commit(ended)).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
    catalog.fate = () => 'done'
    const next = start({ spansCheckpoints: true }, { attempt: 2, restoredCheckpointId: 1 })
    await next.commit(going)
    await next.writer.open!()
    expect(await next.cut(3)).toEqual([])
    expect([...catalog.partitions.keys()]).toEqual(['2026-11-22/DE'])
  })

  it('is looked at at the start', async () => {
    const { catalog, check } = place('s3a://lake/clicks', ['DT', 'Country'])
    await check()
    expect([catalog.calls, catalog.openClients]).toEqual([['describe'], 0])
    catalog.fate = () => 'fails'
    await expect(check()).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
    expect(catalog.openClients).toBe(0)
  })

  it.each([
    ['s3://lake/clicks2', ['dt', 'country'], 'lies at s3://lake/clicks2, and the sink'],
    ['s3://other/clicks', ['dt', 'country'], 'writes to s3://lake/clicks/;'],
    ['s3://lake/clicks', ['country', 'dt'], 'by country, dt, and the sink by dt, country;'],
    ['s3://lake/clicks', ['dt'], 'by dt, and'],
    ['s3://lake/clicks', [], 'by nothing, and'],
  ])('is refused at %s with partitions %j', async (location, keys, text) => {
    const { check } = place(location, keys)
    await expect(check()).rejects.toMatchObject({
      code: 'MR_TABLE_MISMATCH',
      message: expect.stringContaining(text) as string,
    })
  })

  it('is remembered for 10,000 partitions, those used last', async () => {
    const { catalog } = place()
    const output = { bucket: 'lake', prefix: 'clicks/', partitions: ['dt', 'country'] }
    const table = new TablePartitions(() => catalog.catalog(), output)
    const key = (n: number) => `clicks/dt=1/country=${n}/part`
    const keys = Array.from({ length: 10_000 }, (_, n) => key(n))
    await table.addOf(keys)
    await table.addOf([key(0)])
    await table.addOf([key(-1)])
    expect(catalog.calls).toHaveLength(4)
    await table.addOf([key(0), key(2)])
    expect(catalog.calls).toHaveLength(4)
    await table.addOf([key(1)])
    expect([catalog.calls.length, catalog.partitions.size]).toEqual([6, 10_001])
    table.close()
  })
})
