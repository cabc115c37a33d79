import { startFauxqs } from 'fauxqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json } from '../../connectors/json-format.ts'
import { s3Sink } from '../../connectors/s3/s3-sink.ts'
import type { Sink } from '../../runtime/sink.ts'
import { sinkContract } from '../contract/sink.ts'
import { SinkRun } from '../contract/sink-run.ts'
import { standIn, TestS3 } from '../servers/aws-for-tests.ts'

const MIB = 1024 * 1024

/** Another S3 than the one the sink was written against: this one ignores conditions and has no ListParts. */
describe('s3Sink on a second S3', () => {
  let s3: TestS3
  let stop: () => Promise<void>

  beforeAll(async () => {
    const server = await startFauxqs({ port: 0, logger: false })
    s3 = new TestS3(`http://127.0.0.1:${server.port}`)
    stop = async () => {
      s3.close()
      await server.stop()
    }
  })

  afterAll(() => stop())

  const open = async () => {
    const bucket = await s3.createBucket()
    const store = s3.store(bucket)
    const path = `s3://${bucket}/out`
    const create = (): Sink<unknown> =>
      s3Sink<unknown>({ ...standIn(s3.endpoint), path, format: json() })
    const read = async () => {
      const rows: string[] = []
      for await (const { key } of store.list('out/')) {
        const text = Buffer.from((await store.get(key))!.body).toString()
        rows.push(...text.split('\n').slice(0, -1))
      }
      return rows
    }
    return { store, create, read }
  }

  sinkContract({ name: 's3 on fauxqs', guarantee: 'exactly-once', open })

  it('shows an upload of several parts once its checkpoint is published, also when that is done twice', async () => {
    const { store, create, read } = await open()
    const run = new SinkRun(create())
    const rows = Array.from({ length: 13 }, (_, id) => ({ id, text: 'x'.repeat(MIB) }))
    for (const row of rows) run.write(row)
    const parts = await run.cut(1)
    expect(await read()).toEqual([])
    await run.commit(parts)
    await run.commit(parts)
    expect(await read()).toEqual(rows.map((row) => JSON.stringify(row)))
    expect(await store.listUploads('')).toEqual([])
    await run.close()
  })
})
