import { describe, expect, it } from 'vitest'
import { json } from 'millrace'
import { firehoseSink, type FirehoseSinkOptions } from 'millrace/aws'
import { SystemClock } from '../../runtime/clock.ts'
import { PutRun } from '../connectors/aws/put-run.ts'
import { sinkContract } from '../contract/sink.ts'
import { describeS3, standIn, uniqueName } from '../servers/aws-for-tests.ts'
import { FaultProxy, jsonFailure } from '../servers/fault-proxy.ts'
import { createDelivery, linesIn } from './deliveries.ts'
import { refusing } from './partial-failures.ts'

interface Row {
  readonly n: number
}

const rows = (count: number): readonly Row[] => Array.from({ length: count }, (_, n) => ({ n }))

const sinkOf = (
  deliveryStream: string,
  endpoint: string,
  options: Partial<FirehoseSinkOptions<Row>> = {},
) => firehoseSink<Row>({ ...standIn(endpoint), deliveryStream, value: json<Row>(), ...options })

describeS3('firehoseSink', (s3) => {
  sinkContract({
    name: 'firehoseSink on moto',
    guarantee: 'at-least-once',
    open: async () => {
      const { bucket, name } = await createDelivery(s3)
      return {
        create: () =>
          firehoseSink<unknown>({
            ...standIn(s3.endpoint),
            deliveryStream: name,
            value: json(),
          }),
        read: () => linesIn(s3, bucket),
      }
    },
  })

  it('has each row in the bucket at least once, whatever is refused with status 200, throttled or lost', async () => {
    const { bucket, name } = await createDelivery(s3)
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: (request) => {
        if (request.operation !== 'PutRecordBatch') return undefined
        const { nth } = request
        if (nth === 0 || nth === 3) return refusing(request, 'RequestResponses', 0.5)
        if (nth === 1) return { loses: 'answer' }
        if (nth === 2) return { loses: 'request' }
        if (nth === 4) return { answer: jsonFailure('ServiceUnavailableException', 503) }
        return nth < 10 ? refusing(request, 'RequestResponses', 0.2) : undefined
      },
    })
    const run = await PutRun.start(sinkOf(name, proxy.endpoint), new SystemClock())
    const written = rows(2_000)
    run.write(...written)
    await run.cut()
    expect(run.failure).toBe(undefined)
    const lines = await linesIn(s3, bucket)
    const found = [...new Set(lines)].map((line) => (JSON.parse(line) as Row).n)
    expect(found.sort((a, b) => a - b)).toEqual(written.map(({ n }) => n))
    const { recordsSentAgain = 0, recordsRefused = 0 } = run.counters
    expect(lines.length - written.length).toBeGreaterThan(0)
    expect(lines.length - written.length).toBeLessThanOrEqual(recordsSentAgain)
    expect(recordsRefused).toBeGreaterThan(300)
    await run.close()
    await proxy.stop()
  })

  it('says before the job begins that the delivery stream is not there', async () => {
    const missing = uniqueName('missing')
    const check = sinkOf(missing, s3.endpoint).checkOutput!({
      uid: 'lake',
      current: { lineage: 'aa', checkpointId: 0 },
      ancestry: [],
      policy: 'refuse',
      pending: [],
      log() {},
    })
    await expect(check).rejects.toMatchObject({
      code: 'MR_AWS_MISSING',
      message: expect.stringMatching(
        new RegExp(`^"lake" could not find the delivery stream "${missing}"`),
      ) as string,
    })
  })
})

describe('firehoseSink', () => {
  it('ends the attempt after retryTimeout where nothing answers', async () => {
    const run = await PutRun.start(
      sinkOf('out', 'http://127.0.0.1:9', { retryTimeout: '300ms' }),
      new SystemClock(),
    )
    run.write(...rows(3))
    await expect(run.cut()).rejects.toMatchObject({
      code: 'MR_AWS_UNAVAILABLE',
      fields: { records: 3 },
    })
    expect(run.counters['recordsSentAgain']).toBe(undefined)
    await run.close()
  })
})
