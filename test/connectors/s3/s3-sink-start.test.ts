import { describe, expect, it } from 'vitest'
import { json } from '../../../connectors/json-format.ts'
import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import { StreamError } from '../../../runtime/errors.ts'
import type { ObjectStore } from '../../../runtime/object-store.ts'
import type { PrepareOutputContext, Sink } from '../../../runtime/sink.ts'
import { LINEAGE, SinkRun } from '../../contract/sink-run.ts'
import { MemoryBucket } from './memory-bucket.ts'
import { OTHER, methodsOf, path, prepare, rowsIn, start } from './sink-runs.ts'

describe('s3Sink at a start', () => {
  it('refuses, replaces or keeps objects that it does not go on from (R2)', async () => {
    const { bucket, run } = start({}, { lineage: OTHER })
    run.write(1)
    await run.commit(await run.cut(3))
    const other = bucket.keys[0]!
    await bucket.store().put('clicks/README', Buffer.from(''))
    await bucket.store().put('clicks2/x', Buffer.from(''))
    const error = await prepare(bucket).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'MR_OUTPUT_CONFLICT',
      message: expect.stringContaining(other) as string,
    })
    await prepare(bucket, { policy: 'keep' })
    await prepare(bucket, { ancestry: [{ lineage: OTHER, checkpointId: 3 }] })
    expect(bucket.keys).toContain(other)
    const point = { lineage: OTHER, checkpointId: 0 }
    await expect(prepare(bucket, { ancestry: [point] })).rejects.toMatchObject({
      code: 'MR_OUTPUT_CONFLICT',
    })
    const logs = await prepare(bucket, { policy: 'replace' })
    expect(bucket.keys).toEqual(['clicks/README', 'clicks2/x'])
    expect(logs.join()).toContain('1 object')
  })

  it('takes back what was committed after the checkpoint that it goes on from (R3)', async () => {
    const { bucket, run } = start()
    for (const id of [1, 2, 3, 4]) {
      run.write(id)
      await run.commit(await run.cut(id))
    }
    const current = { lineage: LINEAGE, checkpointId: 2 }
    const logs = await prepare(bucket, { current })
    expect(rowsIn(bucket)).toEqual(['1', '2'])
    expect(logs.join()).toContain('took back 2 objects')
    // What follows has names that were in use before.
    const again = start({}, { restoredCheckpointId: 2 }, bucket)
    again.run.write('again')
    await again.run.commit(await again.run.cut(5))
    expect(rowsIn(bucket)).toEqual(['1', '2', '"again"'])
    await prepare(bucket, { current: { lineage: LINEAGE, checkpointId: 5 } })
    expect(rowsIn(bucket)).toEqual(['1', '2', '"again"'])
    await prepare(bucket, { current })
    expect(rowsIn(bucket)).toEqual(['1', '2'])
  })

  it('ends its uploads of attempts that are over, but those that the checkpoint counts on', async () => {
    const record = { text: 'x'.repeat(100_000) }
    const { bucket, run } = start()
    run.write(record)
    const pending = await run.cut(1)
    run.write(record)
    await run.cut(2)
    const other = start({}, { lineage: OTHER }, bucket)
    other.run.write(record)
    await other.run.cut(1)
    expect(bucket.uploads.size).toBe(3)
    await prepare(bucket, { current: { lineage: LINEAGE, checkpointId: 1 }, pending })
    expect(bucket.uploads.size).toBe(2)
    await run.commit(pending)
    expect(bucket.keys).toHaveLength(1)
    await prepare(bucket, { policy: 'replace', current: { lineage: LINEAGE, checkpointId: 1 } })
    expect(bucket.uploads.size).toBe(0)
    expect(bucket.keys).toHaveLength(1)
  })

  it('goes on where uploads cannot be listed, and says so', async () => {
    const bucket = new MemoryBucket()
    const refused = new StreamError('MR_AWS_REFUSED', 'no right to list uploads')
    const store = { ...methodsOf(bucket.store()), listUploads: () => Promise.reject(refused) }
    const logs: string[] = []
    const sink = s3SinkOn(() => store, { path, format: json() })
    await sink.prepareOutput!({
      uid: 'lake',
      current: { lineage: LINEAGE, checkpointId: 0 },
      ancestry: [],
      policy: 'refuse',
      pending: [],
      log: (line) => logs.push(line),
    })
    expect(logs).toEqual([expect.stringContaining('no right to list uploads')])
  })

  it('fails before any input is read where it may not write', async () => {
    const bucket = new MemoryBucket()
    bucket.fate = () => 'fails'
    await expect(prepare(bucket)).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
    bucket.fate = () => 'done'
    await prepare(bucket)
    expect([bucket.uploads.size, bucket.keys.length]).toEqual([0, 0])
  })

  it('lists its prefixes once at a start, and anew when it is prepared again', async () => {
    const bucket = new MemoryBucket()
    const listed: string[] = []
    const store = (): ObjectStore => ({
      ...bucket.store(),
      list: (prefix) => {
        listed.push(prefix)
        return bucket.store().list(prefix)
      },
    })
    const sink = s3SinkOn(store, { path, format: json(), onError: { prefix: 'broken' } })
    const context = (uid: string, checkpointId = 0): PrepareOutputContext => ({
      uid,
      current: { lineage: LINEAGE, checkpointId },
      ancestry: [],
      policy: 'refuse',
      pending: [],
      log() {},
    })
    for (const uid of ['a', 'b']) await sink.checkOutput!(context(uid))
    await sink.prepareOutput!(context('a'))
    expect(listed).toEqual(['clicks/', 'broken/', 'clicks/', 'broken/'])
    // The next attempt, which goes back, finds what has come since.
    const run = new SinkRun(sink as Sink<unknown>)
    run.write(1)
    await run.commit(await run.cut(1))
    expect(bucket.keys).toHaveLength(1)
    await sink.prepareOutput!(context('a'))
    expect([bucket.keys.length, listed.length]).toEqual([0, 6])
  })
})
