import { describe, expect, it } from 'vitest'
import { json } from '../../../connectors/json-format.ts'
import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import type { Sink } from '../../../runtime/sink.ts'
import { SinkRun } from '../../contract/sink-run.ts'
import { MIB, methodsOf, path, rowsIn, start } from './sink-runs.ts'

describe('s3Sink where the store fails', () => {
  it.each(['createUpload', 'uploadPart'] as const)(
    'ends the attempt when %s fails, so that it is restarted (R33)',
    async (failing) => {
      const { bucket, run } = start()
      bucket.fate = (call) => (call === failing ? 'fails' : 'done')
      run.write({ text: 'x'.repeat(100_000) })
      const error = await run.cut(1).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'RestartableError', code: 'MR_AWS_UNAVAILABLE' })
      expect(run.failure).toBe(error)
      expect(run.writer.isReady).toBe(false)
      // Nothing more is tried, as it may take minutes.
      const calls = bucket.calls.length
      await run.close()
      expect(bucket.calls).toHaveLength(calls)
    },
  )

  it('takes an upload that is gone for completed where the object has its token (R33)', async () => {
    const { bucket, run } = start()
    run.write({ text: 'x'.repeat(100_000) })
    const parts = await run.cut(1)
    bucket.fate = (call) => (call === 'completeUpload' ? 'done, then fails' : 'done')
    await expect(run.commit(parts)).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
    bucket.fate = () => 'done'
    await run.commit(parts)
    expect(rowsIn(bucket)).toHaveLength(1)
  })

  it('refuses where an upload is gone, and nothing or somebody else is in its place', async () => {
    const { bucket, run } = start()
    run.write({ text: 'x'.repeat(100_000) })
    const parts = (await run.cut(1)) as readonly { readonly key: string }[]
    bucket.uploads.clear()
    await expect(run.commit(parts)).rejects.toMatchObject({
      name: 'StreamError',
      code: 'MR_OUTPUT_FAILED',
      message: expect.stringContaining('is not there') as string,
    })
    await bucket.store().put(parts[0]!.key, Buffer.from('x'))
    await expect(run.commit(parts)).rejects.toMatchObject({
      code: 'MR_OUTPUT_FAILED',
      message: expect.stringContaining('somebody else') as string,
    })
  })

  it('waits for all commits before it fails', async () => {
    const { bucket, run } = start<number>({ partitions: { p: (value) => value } })
    run.write(1, 2, 3)
    const parts = await run.cut(1)
    bucket.fate = (_, key) => (key.includes('p=1') ? 'fails' : later('done'))
    await expect(run.commit(parts)).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
    expect(bucket.keys).toHaveLength(2)
  })

  it('leaves no upload of what is in no checkpoint, and all that is in one', async () => {
    const { bucket, run } = start()
    const record = { text: 'x'.repeat(MIB) }
    for (let i = 0; i < 6; i++) run.write(record)
    const parts = await run.cut(1)
    for (let i = 0; i < 6; i++) run.write(record)
    await new Promise(setImmediate)
    expect(bucket.uploads.size).toBe(2)
    await run.close()
    expect(bucket.uploads.size).toBe(1)
    await run.commit(parts)
    expect(rowsIn(bucket)).toHaveLength(6)
    expect(run.failure).toBe(undefined)
  })

  it('ends uploads whose beginning it has not heard of, when it is closed without a failure', async () => {
    const { bucket, run } = start()
    let isFirst = true
    const store = bucket.store()
    const lossy = {
      ...methodsOf(store),
      createUpload: async (...args: Parameters<typeof store.createUpload>) => {
        // As the client of S3 does when an answer is lost: it asks again.
        if (isFirst) await store.createUpload(...args)
        isFirst = false
        return store.createUpload(...args)
      },
    }
    const sink = s3SinkOn(() => lossy, { path, format: json() })
    const other = new SinkRun(sink as Sink<unknown>, { subtaskIndex: 1 })
    run.write({ text: 'x'.repeat(100_000) })
    const ofOther = await run.cut(1)
    other.write({ text: 'y'.repeat(100_000) })
    const parts = await other.cut(1)
    expect(bucket.uploads.size).toBe(3)
    await other.writer.close!()
    expect(bucket.uploads.size).toBe(2)
    await other.commit(parts)
    await run.commit(ofOther)
    expect([bucket.keys.length, bucket.uploads.size]).toEqual([2, 0])
  })
})

async function later<V>(value: V): Promise<V> {
  await new Promise(setImmediate)
  return value
}
