import { describe, expect, it } from 'vitest'
import { json } from '../../../connectors/json-format.ts'
import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import type { S3SinkOptions } from '../../../connectors/s3/s3-sink-options.ts'
import type { PrepareOutputContext, Sink } from '../../../runtime/sink.ts'
import { LINEAGE, SinkRun, type SinkRunOptions } from '../../contract/sink-run.ts'
import { MemoryBucket } from './memory-bucket.ts'

const MIB = 1024 * 1024
const OTHER = 'b'.repeat(16)
const large = 'x'.repeat(2 * MIB)

type Options = Partial<S3SinkOptions<unknown>>

function makeSink(bucket: MemoryBucket, options: Options = {}): Sink<unknown> {
  const all = { path: 's3://lake/rows', format: json(), spansCheckpoints: true, ...options }
  return s3SinkOn<unknown>(() => bucket.store(), all) as Sink<unknown>
}

function start(bucket: MemoryBucket, run: SinkRunOptions = {}, options: Options = {}) {
  return new SinkRun(makeSink(bucket, options), run)
}

/** An attempt that goes on from what a checkpoint had pending. */
async function goOn(bucket: MemoryBucket, checkpointId: number, pending: readonly unknown[]) {
  const run = start(bucket, { restoredCheckpointId: checkpointId })
  await run.commit(pending)
  await run.writer.open!()
  return run
}

async function prepare(
  bucket: MemoryBucket,
  context: Partial<PrepareOutputContext> & Pick<PrepareOutputContext, 'pending'>,
): Promise<string> {
  const logs: string[] = []
  const sink = makeSink(bucket)
  const all: PrepareOutputContext = {
    uid: 'rows',
    current: { lineage: LINEAGE, checkpointId: 1 },
    ancestry: [],
    policy: 'refuse',
    log: (line) => logs.push(line),
    ...context,
  }
  await sink.checkOutput!(all)
  await sink.prepareOutput!(all)
  return logs.join()
}

function ids(bucket: MemoryBucket): number[] {
  return bucket.keys
    .flatMap((key) => bucket.text(key).trimEnd().split('\n'))
    .map((row) => (JSON.parse(row) as { id: number }).id)
}

describe('objects that span checkpoints', () => {
  it('hold the records of several, end by their age, and are one object', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket)
    for (const id of [1, 2, 3]) {
      run.write({ id })
      await run.commit(await run.cut(id))
      run.clock.advance(15_000)
    }
    expect(bucket.keys).toEqual([])
    run.clock.advance(15_000)
    await run.commit(await run.cut(4))
    expect(bucket.keys).toEqual([`rows/part-${LINEAGE}-1-0-0.jsonl`])
    expect(ids(bucket)).toEqual([1, 2, 3])
    expect(await run.cut(5)).toEqual([])
  })

  it('upload a part once, and what is left goes into each checkpoint (R24)', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket)
    for (const id of [1, 2, 3, 4]) run.write({ id, large })
    const [first] = (await run.cut(1)) as [{ parts: unknown[]; tail: Uint8Array }]
    expect([first.parts.length, first.tail.byteLength > 2 * MIB]).toEqual([1, true])
    run.write({ id: 5 })
    const [second] = (await run.cut(2)) as [{ parts: unknown[]; tail: Uint8Array }]
    expect(second.parts).toEqual(first.parts)
    expect(bucket.calls).toEqual(['createUpload', 'uploadPart'])
    await run.commit(await run.cut(3, 2, true))
    expect(ids(bucket)).toEqual([1, 2, 3, 4, 5])
  })

  it('are cut at once: records that follow are not in the checkpoint (R33)', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket)
    run.write({ id: 1 })
    const cut = run.cut(1)
    run.write({ id: 2, large }, { id: 3, large }, { id: 4, large })
    const other = await goOn(bucket, 1, await cut)
    await other.commit(await other.cut(2))
    expect(ids(bucket)).toEqual([1])
  })

  it('end when the input does', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket)
    run.write({ id: 1 })
    await run.commit(await run.cut(1, 0, true))
    expect(ids(bucket)).toEqual([1])
  })

  it('end where a checkpoint would have to hold more than 6 MiB of them', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket, {}, { partitions: { p: (value) => (value as { id: number }).id } })
    for (let id = 0; id < 5; id++) run.write({ id, large })
    await run.commit(await run.cut(1))
    expect(ids(bucket)).toEqual([2, 3, 4])
  })

  it('are ended by the attempt that follows, with what the checkpoint has of them (R33)', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket)
    for (const id of [1, 2, 3, 4]) run.write({ id, large })
    const pending = await run.cut(1)
    await run.commit(pending)
    for (const id of [5, 6, 7]) run.write({ id, large })
    await run.cut(2)
    await run.close()
    expect(bucket.uploads.size).toBe(1)
    await prepare(bucket, { pending })
    const other = await goOn(bucket, 1, pending)
    other.write({ id: 8 })
    await other.commit(await other.cut(3))
    expect(ids(bucket)).toEqual([1, 2, 3, 4])
    await other.commit(await other.cut(4, 3, true))
    expect(ids(bucket).sort()).toEqual([1, 2, 3, 4, 8])
    expect(bucket.uploads.size).toBe(0)
  })

  it('of an attempt before leave no upload of their names open, whichever subtask that was of', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket, { subtaskIndex: 2 })
    run.write({ id: 1 })
    const pending = await run.cut(1)
    await run.commit(pending)
    await run.close()
    await prepare(bucket, { pending })
    const other = await goOn(bucket, 1, pending)
    const [{ key }] = pending as [{ readonly key: string }]
    expect(key).toContain('-1-2-0.')
    await other.commit(await other.cut(2))
    // What a request leaves whose answer was lost, before it was made once more.
    await bucket.store().createUpload(key)
    await other.close()
    expect([ids(bucket), bucket.uploads.size]).toEqual([[1], 0])
  })

  it.each([1, 4])(
    'are cut back to the checkpoint that the job goes back to, of %s records (R3)',
    async (before) => {
      const bucket = new MemoryBucket()
      const run = start(bucket)
      for (let id = 0; id < before; id++) run.write({ id, large })
      const pending = await run.cut(1)
      await run.commit(pending)
      run.write({ id: 10 }, { id: 11, large })
      await run.commit(await run.cut(2, 1, true))
      await run.close()
      const wanted = Array.from({ length: before }, (_, id) => id)
      expect(ids(bucket)).toEqual([...wanted, 10, 11])
      expect(await prepare(bucket, { pending })).toContain('cut 1 object')
      expect(ids(bucket)).toEqual(wanted)
      // Once more, as after a crash.
      expect(await prepare(bucket, { pending })).toBe('')
      const other = await goOn(bucket, 1, pending)
      other.write({ id: 20 })
      await other.commit(await other.cut(5, 1, true))
      expect(ids(bucket)).toEqual([...wanted, 20])
      expect(bucket.uploads.size).toBe(0)
    },
  )

  it('that a snapshot shares with another run are refused once that one has ended them (R2)', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket, { lineage: OTHER })
    run.write({ id: 1 })
    const pending = await run.cut(3)
    run.write({ id: 2 })
    await run.commit(await run.cut(4, 3, true))
    const fork = {
      pending,
      current: { lineage: LINEAGE, checkpointId: 0 },
      ancestry: [{ lineage: OTHER, checkpointId: 3 }],
    }
    await expect(prepare(bucket, fork)).rejects.toMatchObject({ code: 'MR_OUTPUT_CONFLICT' })
    await prepare(bucket, { ...fork, policy: 'keep' })
    expect(ids(bucket)).toEqual([1, 2])
    await prepare(bucket, { ...fork, policy: 'replace' })
    expect(ids(bucket)).toEqual([1])
  })

  it('are not taken for committed where the object has more than the checkpoint', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket)
    for (const id of [1, 2, 3, 4]) run.write({ id, large })
    const pending = await run.cut(1)
    const other = await goOn(bucket, 1, pending)
    const otherCut = await other.cut(2)
    run.write({ id: 5 })
    await run.commit(await run.cut(2, 1, true))
    await expect(other.commit(otherCut)).rejects.toMatchObject({ code: 'MR_OUTPUT_FAILED' })
  })

  it('leave no upload that no checkpoint knows, also one that has just begun', async () => {
    const bucket = new MemoryBucket()
    const run = start(bucket)
    run.write({ id: 1, large })
    const pending = await run.cut(1)
    bucket.fate = async () => {
      await new Promise(setImmediate)
      return 'done' as const
    }
    for (const id of [2, 3, 4]) run.write({ id, large })
    await run.close()
    expect([bucket.uploads.size, run.failure]).toEqual([0, undefined])
    expect(bucket.calls).toContain('uploadPart')
    const other = await goOn(bucket, 1, pending)
    await other.commit(await other.cut(2))
    expect(ids(bucket)).toEqual([1])
  })
})
