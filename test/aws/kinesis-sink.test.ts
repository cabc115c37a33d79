import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { json } from 'millrace'
import { kinesisSink, type KinesisSinkOptions } from 'millrace/aws'
import { KINESIS } from '../../connectors/kinesis/kinesis-client.ts'
import { SystemClock } from '../../runtime/clock.ts'
import type { AwsClient } from '../../runtime/aws/aws-client.ts'
import { PutRun } from '../connectors/aws/put-run.ts'
import { unpackAggregate } from '../connectors/kinesis/unpack-aggregate.ts'
import { sinkContract } from '../contract/sink.ts'
import { bareClient, kinesisEndpoint, standIn, uniqueName } from '../servers/aws-for-tests.ts'
import { FaultProxy, jsonFailure } from '../servers/fault-proxy.ts'
import { createStream, readStream } from './kinesis-streams.ts'
import { refusing } from './partial-failures.ts'

interface Row {
  readonly key: string
  readonly n: number
}

let client: AwsClient
beforeAll(() => {
  client = bareClient(KINESIS, kinesisEndpoint())
})
afterAll(() => client.close())

const sinkOf = (stream: string, endpoint: string, options: Partial<KinesisSinkOptions<Row>> = {}) =>
  kinesisSink<Row>({
    ...standIn(endpoint),
    stream,
    value: json<Row>(),
    partitionKey: ({ key }) => key,
    ...options,
  })

const rows = (count: number): readonly Row[] =>
  Array.from({ length: count }, (_, n) => ({ key: `k${n % 7}`, n }))

sinkContract({
  name: 'kinesisSink on kinesis-mock',
  guarantee: 'at-least-once',
  open: async () => {
    const stream = await createStream(client, 2)
    return {
      create: () =>
        kinesisSink<unknown>({
          ...standIn(kinesisEndpoint()),
          stream,
          value: json(),
          partitionKey: (value) => JSON.stringify(value),
        }),
      read: async () => (await readStream(client, stream)).map(({ text }) => text),
    }
  },
})

describe('kinesisSink', () => {
  let stream: string
  beforeEach(async () => {
    stream = await createStream(client, 3)
  })

  it('writes what was written before a cut, with its keys, and explicit hash keys to their shards', async () => {
    const hashes = ['0', String(2n ** 128n - 1n)]
    const run = await PutRun.start(
      sinkOf(stream, kinesisEndpoint(), { explicitHashKey: ({ n }) => hashes[n] }),
      new SystemClock(),
    )
    const written = rows(1_200)
    run.write(...written)
    await run.cut()
    const found = await readStream(client, stream)
    const values = found.map(({ text }) => JSON.parse(text) as Row)
    expect(values.sort((a, b) => a.n - b.n)).toEqual(written)
    for (const { key, text } of found) expect((JSON.parse(text) as Row).key).toBe(key)
    const shardOf = (n: number) =>
      found.find(({ text }) => (JSON.parse(text) as Row).n === n)!.shardId
    expect(shardOf(0)).toBe('shardId-000000000000')
    expect(shardOf(1)).toBe('shardId-000000000002')
    await run.close()
  })

  it('loses nothing where requests are refused in part, throttled and lost; ordered, each key keeps its order', async () => {
    const proxy = await FaultProxy.start(kinesisEndpoint(), {
      plan: (request) => {
        if (request.operation !== 'PutRecords') return undefined
        const { random } = request
        if (random < 0.1) return { answer: jsonFailure('ProvisionedThroughputExceededException') }
        if (random < 0.15) return { answer: jsonFailure('InternalFailure', 500) }
        if (random < 0.2) return { loses: 'answer' }
        if (random < 0.25) return { loses: 'request' }
        return random < 0.7 ? refusing(request, 'Records', 0.3) : undefined
      },
    })
    const run = await PutRun.start(
      sinkOf(stream, proxy.endpoint, { ordered: true }),
      new SystemClock(),
    )
    const written = rows(84)
    run.write(...written)
    await run.cut()
    expect(run.failure).toBe(undefined)
    const found = await readStream(client, stream)
    for (const [key, records] of Map.groupBy(found, (one) => one.key)) {
      const numbers = records.map(({ text }) => (JSON.parse(text) as Row).n)
      const once = numbers.filter((n, i) => n !== numbers[i - 1])
      expect(once).toEqual(written.filter((row) => row.key === key).map(({ n }) => n))
    }
    expect(new Set(found.map(({ text }) => text)).size).toBe(written.length)
    const { recordsSentAgain = 0, recordsRefused = 0 } = run.counters
    expect(found.length - written.length).toBeLessThanOrEqual(recordsSentAgain)
    expect(recordsSentAgain).toBeGreaterThan(0)
    expect(recordsRefused).toBeGreaterThan(0)
    await run.close()
    await proxy.stop()
  })

  it('writes to a stream that is named by its ARN', async () => {
    const { StreamDescriptionSummary } = await client.sendOnce<{
      StreamDescriptionSummary: { StreamARN: string }
    }>('DescribeStreamSummary', { StreamName: stream })
    const sink = sinkOf(StreamDescriptionSummary.StreamARN, kinesisEndpoint())
    const run = await PutRun.start(sink, new SystemClock())
    run.write({ key: 'k', n: 1 })
    await run.cut()
    expect((await readStream(client, stream)).map(({ key }) => key)).toEqual(['k'])
    await run.close()
  })

  it('writes packs of records that are in the stream as they were sent', async () => {
    const sink = sinkOf(stream, kinesisEndpoint(), { aggregate: true })
    const run = await PutRun.start(sink, new SystemClock())
    const written = rows(70)
    run.write(...written)
    await run.cut()
    const found = await readStream(client, stream)
    expect(found).toHaveLength(7)
    for (const { key, bytes } of found) {
      const packed = unpackAggregate(bytes)!.map(({ data }) => JSON.parse(data.toString()) as Row)
      expect(packed).toEqual(written.filter((row) => row.key === key))
    }
    await run.close()
  })

  it('says before the job begins that the stream is not there, and lets a user pass who may not look', async () => {
    const output = {
      uid: 'alerts',
      current: { lineage: 'aa', checkpointId: 0 },
      ancestry: [],
      policy: 'refuse' as const,
      pending: [],
      log() {},
    }
    const missing = uniqueName('missing')
    await expect(sinkOf(missing, kinesisEndpoint()).checkOutput!(output)).rejects.toMatchObject({
      code: 'MR_AWS_MISSING',
      message: expect.stringMatching(
        new RegExp(`^"alerts" could not find the stream "${missing}"`),
      ) as string,
    })
    await sinkOf(stream, kinesisEndpoint()).checkOutput!(output)
    const proxy = await FaultProxy.start(kinesisEndpoint(), {
      plan: ({ operation }) =>
        operation === 'DescribeStreamSummary'
          ? { answer: jsonFailure('AccessDeniedException') }
          : undefined,
    })
    await sinkOf(missing, proxy.endpoint).checkOutput!(output)
    expect(proxy.faults.get('DescribeStreamSummary')).toBe(1)
    await proxy.stop()
  })

  it('ends the attempt where it may not write', async () => {
    const proxy = await FaultProxy.start(kinesisEndpoint(), {
      plan: () => ({ answer: jsonFailure('AccessDeniedException') }),
    })
    const run = await PutRun.start(sinkOf(stream, proxy.endpoint), new SystemClock())
    run.write(...rows(1))
    await expect(run.cut()).rejects.toMatchObject({ code: 'MR_AWS_REFUSED' })
    expect(run.failure).toMatchObject({ code: 'MR_AWS_REFUSED', name: 'StreamError' })
    expect(proxy.counts.get('PutRecords')).toBe(1)
    await run.close()
    await proxy.stop()
  })
})
