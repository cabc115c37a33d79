import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parquet } from '../../../connectors/formats/parquet-format.ts'
import type { GoingPart, S3Part } from '../../../connectors/s3/s3-part.ts'
import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import type { Sink } from '../../../runtime/sink.ts'
import { LINEAGE, SinkRun, type SinkRunOptions } from '../../contract/sink-run.ts'
import { askDuckDb } from '../../harness/duckdb.ts'
import { temporaryFolders } from '../temporary-folder.ts'
import { MemoryBucket } from './memory-bucket.ts'

const MIB = 1024 * 1024
const newFolder = temporaryFolders()

interface Row {
  readonly id: number
  readonly text?: string
}

const format = parquet({ schema: { id: 'int32', text: 'string?' }, compression: 'none' })

function makeSink(bucket: MemoryBucket): Sink<Row> {
  const partitions = { p: ({ id }: Row) => Math.floor(id / 1_000) }
  const options = { path: 's3://lake/rows', format, partitions, spansCheckpoints: true }
  return s3SinkOn<Row>(() => bucket.store(), options) as Sink<Row>
}

/** An attempt that goes on from what a checkpoint had pending. */
async function goOn(bucket: MemoryBucket, pending: readonly unknown[], run: SinkRunOptions = {}) {
  const sink = makeSink(bucket)
  const logs: string[] = []
  await sink.prepareOutput!({
    uid: 'rows',
    current: { lineage: LINEAGE, checkpointId: 1 },
    ancestry: [],
    policy: 'refuse',
    pending,
    log: (line) => logs.push(line),
  })
  const next = new SinkRun(sink, { restoredCheckpointId: 1, ...run })
  await next.commit(pending)
  await next.writer.open!()
  return { next, logs: logs.join() }
}

async function ids(bucket: MemoryBucket): Promise<number[]> {
  const found: number[] = []
  for (const { body } of bucket.objects.values()) {
    const path = join(await newFolder(), 'rows.parquet')
    await writeFile(path, body)
    const rows = await askDuckDb(`select id from read_parquet('${path}')`)
    found.push(...rows.map(({ id }) => id as number))
  }
  return found.sort((a, b) => a - b)
}

const row = (id: number, size: number): Row => ({ id, text: `${id}${'x'.repeat(size)}` })
const upTo = (count: number) => Array.from({ length: count }, (_, id) => id)

describe('objects of Parquet that span checkpoints', () => {
  it('go on over checkpoints in which they could end, and are one object', async () => {
    const bucket = new MemoryBucket()
    const run = new SinkRun(makeSink(bucket))
    for (const id of upTo(4)) {
      run.write(row(id, 10))
      const [part] = (await run.cut(id)) as [GoingPart]
      // Its head: few rows are no group yet.
      expect(Buffer.from(part.tail).toString()).toBe('PAR1')
      await run.commit([part])
    }
    await run.commit(await run.cut(5, 4, true))
    expect(bucket.keys).toEqual([`rows/p=0/part-${LINEAGE}-1-0-0.parquet`])
    expect(await ids(bucket)).toEqual(upTo(4))
  })

  it.each([
    ['few rows', 3, 10],
    ['a group', 3, 600_000],
    ['a part and a group', 5, 2 * MIB],
  ])('are ended by the attempt that follows: %s (R33)', async (_, count, size) => {
    const bucket = new MemoryBucket()
    const run = new SinkRun(makeSink(bucket))
    run.write(...upTo(count).map((id) => row(id, size)))
    const pending = await run.cut(1)
    await run.commit(pending)
    run.write(row(100, size))
    await run.cut(2)
    await run.close()
    const { next } = await goOn(bucket, pending)
    next.write(row(200, size))
    await next.commit(await next.cut(3))
    expect(await ids(bucket)).toEqual(upTo(count))
    await next.commit(await next.cut(4, 3, true))
    expect(await ids(bucket)).toEqual([...upTo(count), 200])
    expect(bucket.uploads.size).toBe(0)
  })

  it.each([
    ['few rows', 3, 10],
    ['parts and a group', 7, 2 * MIB],
  ])(
    'are cut back to the checkpoint that the job goes back to: %s (R3)',
    async (_, count, size) => {
      const bucket = new MemoryBucket()
      const run = new SinkRun(makeSink(bucket))
      run.write(...upTo(count).map((id) => row(id, size)))
      const pending = await run.cut(1)
      run.write(row(100, size))
      await run.commit(await run.cut(2, 1, true))
      await run.close()
      expect(await ids(bucket)).toEqual([...upTo(count), 100])
      expect((await goOn(bucket, pending)).logs).toContain('cut 1 object')
      expect(await ids(bucket)).toEqual(upTo(count))
      // Once more, as after a crash.
      expect((await goOn(bucket, pending)).logs).toBe('')
      expect(await ids(bucket)).toEqual(upTo(count))
    },
  )

  it('are cut back also where the rows that followed have not made them longer (R3)', async () => {
    const bucket = new MemoryBucket()
    const run = new SinkRun(makeSink(bucket))
    // A run of one number takes the same bytes, however long it is.
    for (let n = 0; n < 5; n++) run.write({ id: 7 })
    const pending = (await run.cut(1)) as [{ bytes: number; closing: Uint8Array }]
    run.write({ id: 7 })
    await run.commit(await run.cut(2, 1, true))
    const [{ bytes, closing }] = pending
    expect(bucket.objects.get(bucket.keys[0]!)!.body).toHaveLength(bytes + closing.byteLength)
    expect(await ids(bucket)).toEqual([7, 7, 7, 7, 7, 7])
    await goOn(bucket, pending)
    expect(await ids(bucket)).toEqual([7, 7, 7, 7, 7])
  })

  it('have few rows left at a cut in all of them together, the largest becoming groups first', async () => {
    const bucket = new MemoryBucket()
    const run = new SinkRun(makeSink(bucket))
    const wanted = upTo(8).map((p) => p * 1_000)
    run.write(...wanted.map((id, p) => row(id, 100_000 * (p + 1))))
    const pending = (await run.cut(1)) as readonly GoingPart[]
    await run.commit(pending)
    // 100,000 to 500,000 bytes are less than 2 MiB together.
    const isGroup = pending.map(({ bytes }) => bytes > 100_000)
    expect(isGroup).toEqual(upTo(8).map((p) => p >= 5))
    await run.commit(await run.cut(2, 1, true))
    expect(await ids(bucket)).toEqual(wanted)
  })

  it('end where a checkpoint would have to hold more than 6 MiB of them', async () => {
    const bucket = new MemoryBucket()
    const run = new SinkRun(makeSink(bucket))
    const wanted = upTo(8).map((p) => p * 1_000)
    run.write(...wanted.map((id) => row(id, 900_000)))
    const pending = (await run.cut(1)) as readonly S3Part[]
    await run.commit(pending)
    const held = pending.map((part) =>
      'tail' in part ? part.tail.byteLength + (part.closing?.byteLength ?? 0) : 0,
    )
    expect(held.filter((bytes) => bytes > 900_000)).toHaveLength(6)
    expect(held.reduce((a, b) => a + b)).toBeLessThan(6 * MIB)
    expect(await ids(bucket)).toEqual(wanted.slice(6))
    await run.commit(await run.cut(2, 1, true))
    expect(await ids(bucket)).toEqual(wanted)
  })
})
