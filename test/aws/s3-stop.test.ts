import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runJob } from 'millrace'
import { expect, it } from 'vitest'
import { describeS3 } from '../servers/aws-for-tests.ts'

const JOB = new URL('jobs/spanning.ts', import.meta.url)
const COUNT = 1_500

describeS3('s3Sink with objects that span checkpoints', (s3) => {
  it('shows all records after a stop, nothing of them before, and goes on from there (R14)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-s3-stop-'))
    const bucket = await s3.createBucket()
    const store = s3.store(bucket)
    const visible = async (): Promise<number[]> => {
      const ids: number[] = []
      for await (const { key } of store.list('rows/')) {
        const text = Buffer.from((await store.get(key))!.body).toString()
        for (const line of text.trimEnd().split('\n'))
          ids.push((JSON.parse(line) as { id: number }).id)
      }
      return ids.sort((a, b) => a - b)
    }
    const run = (rate: number, onCheckpoint = () => {}, signal?: AbortSignal) =>
      runJob(JOB, {
        dir: folder,
        parallelism: 2,
        checkpointInterval: 100,
        params: { endpoint: s3.endpoint, bucket, count: COUNT, rate },
        onEvent: ({ type }) => {
          if (type === 'checkpoint') onCheckpoint()
        },
        ...(signal === undefined ? {} : { signal }),
      })
    const stopping = new AbortController()
    let checkpoints = 0
    let before: Promise<number[]> | undefined
    const stopped = await run(
      200,
      () => {
        if (++checkpoints === 3) before = visible().finally(() => stopping.abort())
      },
      stopping.signal,
    )
    expect(stopped.status).toBe('stopped')
    expect(await before).toEqual([])
    const { recordsRead } = stopped.metrics
    expect(recordsRead).toBeGreaterThan(10)
    expect(recordsRead).toBeLessThan(COUNT)
    // The two halves of the source are not equally far.
    const seen = await visible()
    expect([seen.length, new Set(seen).size]).toEqual([recordsRead, recordsRead])
    expect(await store.listUploads('')).toEqual([])
    expect((await run(0)).status).toBe('finished')
    expect(await visible()).toEqual(Array.from({ length: COUNT }, (_, id) => id))
    await rm(folder, { recursive: true })
  })
})
