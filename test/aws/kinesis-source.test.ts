import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { json, type Source } from 'millrace'
import { kinesisSource, type KinesisSourceOptions } from 'millrace/aws'
import { SystemClock } from '../../runtime/clock.ts'
import { sourceContract } from '../contract/source.ts'
import { SourceRun, type SourceRunOptions } from '../contract/source-run.ts'
import { aggregate } from '../connectors/kinesis/kpl-encoder.ts'
import { kinesisEndpoint, standIn } from '../servers/aws-for-tests.ts'
import { FaultProxy, jsonFailure } from '../servers/fault-proxy.ts'
import { TestStream } from './kinesis-for-tests.ts'

interface Click {
  readonly n: number
}

const REAL = { realClock: new SystemClock() }
const streams: TestStream[] = []
afterAll(() => {
  for (const stream of streams) stream.close()
})

async function streamOf(shards: number): Promise<TestStream> {
  const stream = await TestStream.create(shards, kinesisEndpoint())
  streams.push(stream)
  return stream
}

const clicks = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: `key-${(from + i) % 5}`,
    data: JSON.stringify({ n: from + i }),
  }))

/** Fetches as often as the stand-in can take. */
const options = (stream: TestStream | string) =>
  ({
    ...standIn(kinesisEndpoint()),
    stream: typeof stream === 'string' ? stream : stream.name,
    value: json<Click>(),
    start: 'earliest',
    end: 'latest',
    pollInterval: 5,
  }) as const
const source = (stream: TestStream | string, more: Partial<KinesisSourceOptions<Click>> = {}) =>
  kinesisSource<Click>({ ...options(stream), ...more })

const start = <T>(from: Source<T>, run: SourceRunOptions = {}) =>
  new SourceRun(from, { ...REAL, ...run }).start()
const numbers = (values: readonly Click[]) => values.map(({ n }) => n).toSorted((a, b) => a - b)
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('kinesisSource', () => {
  let one: TestStream
  beforeAll(async () => {
    one = await streamOf(1)
    await one.put(clicks(0, 3))
  })

  sourceContract({
    name: 'kinesis stream',
    create: () => source(one),
    expected: upTo(0, 3).map((n) => ({ n })),
    runOptions: REAL,
  })

  it('reads all shards, and those that come of splits and merges, in order', async () => {
    const stream = await streamOf(2)
    await stream.put(clicks(0, 20))
    await stream.split(0)
    await stream.put(clicks(20, 40))
    await stream.merge(1)
    await stream.put(clicks(40, 60))
    const run = await start(source(stream), { parallelism: 2 })
    let id = 0
    const checkpoints = setInterval(() => {
      run.snapshot(++id)
      run.complete(id)
    }, 20)
    const values = await run.read()
    clearInterval(checkpoints)
    await run.close()
    expect(numbers(values)).toEqual(upTo(0, 60))
    for (let key = 0; key < 5; key++) {
      const those = values.map(({ n }) => n).filter((n) => n % 5 === key)
      expect(those).toEqual(those.toSorted((a, b) => a - b))
    }
  })

  it('takes aggregates apart, and hands out key, place and arrival', async () => {
    const stream = await streamOf(1)
    const begin = Date.now()
    await stream.put([
      {
        key: 'a',
        data: aggregate([1, 2].map((n) => ({ key: `k${n}`, data: Buffer.from(`{"n":${n}}`) }))),
      },
      { key: 'b', data: '{"n":3}' },
    ])
    const run = await start(
      kinesisSource({
        ...options(stream),
        record: ({ partitionKey, value, arrival, shardId, subSequenceNumber }) => ({
          place: [shardId, subSequenceNumber, partitionKey, value.n],
          isRecent: Math.abs(arrival - begin) < 60_000,
        }),
      }),
    )
    expect(await run.read()).toEqual(
      [
        [0, 'k1', 1],
        [1, 'k2', 2],
        [0, 'b', 3],
      ].map((place) => ({ place: ['shardId-000000000000', ...place], isRecent: true })),
    )
    await run.close()
  })

  it('begins at now, and goes on there after a restart', async () => {
    const stream = await streamOf(1)
    await stream.put(clicks(0, 5))
    await sleep(5)
    const first = await start(
      source(stream, { start: 'latest', end: { timestamp: Date.now() + 1_500 } }),
    )
    await stream.put(clicks(5, 8))
    await first.read(2)
    const restored = first.snapshot(1)
    await first.close()
    await stream.put(clicks(8, 10))
    const again = await start(source(stream, { start: 'latest', end: { timestamp: 1 } }), {
      restored,
    })
    expect([...first.values, ...(await again.read())]).toEqual(upTo(5, 10).map((n) => ({ n })))
    await again.close()
  })

  it('says what is missing, denied, or gone', async () => {
    await expect(start(source('no-such-stream'))).rejects.toMatchObject({
      code: 'MR_AWS_MISSING',
      message: expect.stringMatching(
        /"source" could not list the shards of the stream "no-such-stream"/,
      ) as string,
    })
    const proxy = await FaultProxy.start(kinesisEndpoint())
    const proxied = { endpoint: proxy.endpoint }
    proxy.plan = ({ operation }) =>
      operation === 'GetShardIterator'
        ? { answer: jsonFailure('AccessDeniedException') }
        : undefined
    const denied = await start(source(one, proxied))
    await expect(denied.read()).rejects.toMatchObject({
      code: 'MR_AWS_REFUSED',
      message: expect.stringMatching(/could not read shardId-000000000000 of the stream/) as string,
    })
    await denied.close()
    const first = await start(source(one))
    await first.read(2)
    const restored = first.snapshot(1)
    await first.close()
    proxy.plan = ({ body }) =>
      body.includes('AFTER_SEQUENCE_NUMBER')
        ? { answer: jsonFailure('InvalidArgumentException') }
        : undefined
    const gone = await start(source(one, proxied), { restored })
    await expect(gone.read()).rejects.toMatchObject({ code: 'MR_KINESIS_POSITION_GONE' })
    await gone.close()
    const anyway = await start(source(one, { ...proxied, whenPositionGone: 'earliest' }), {
      restored,
    })
    expect(await anyway.read()).toEqual([{ n: 2 }])
    await anyway.close()
    await proxy.stop()
  })

  it('reads on through throttling, failures, expired iterators and lost answers', async () => {
    const stream = await streamOf(2)
    await stream.put(clicks(0, 200))
    const proxy = await FaultProxy.start(kinesisEndpoint(), {
      plan: ({ operation, random }) => {
        if (random < 0.1) return { loses: 'answer' }
        if (random < 0.2) return { answer: jsonFailure('InternalFailure', 500) }
        if (operation !== 'GetRecords') return undefined
        if (random < 0.3) return { answer: jsonFailure('ProvisionedThroughputExceededException') }
        return random < 0.4 ? { answer: jsonFailure('ExpiredIteratorException') } : undefined
      },
    })
    const run = await start(source(stream, { endpoint: proxy.endpoint, fetchMaxRecords: 10 }))
    expect(numbers(await run.read())).toEqual(upTo(0, 200))
    expect(run.counters.get('fetchesThrottled')).toBeGreaterThan(0)
    await run.close()
    await proxy.stop()
  })

  it('reads with enhanced fan-out, whose consumer it registers, and takes away if it is told to', async () => {
    const stream = await streamOf(2)
    await stream.put(clicks(0, 20))
    const { end: _, ...endless } = options(stream)
    const fanOut = (consumerAtEnd: 'keep' | 'deregister') =>
      kinesisSource<Click>({ ...endless, consumer: 'mine', consumerAtEnd })
    const first = await start(fanOut('keep'))
    await first.read(7)
    const restored = first.snapshot(1)
    await first.close()
    expect(await stream.consumers()).toEqual(['mine'])
    await stream.put(clicks(20, 30))
    // The service takes the subscriptions of before for open for five seconds.
    const again = await start(fanOut('deregister'), { restored, parallelism: 2 })
    await again.read(23)
    expect(numbers([...first.values, ...again.values])).toEqual(upTo(0, 30))
    await again.close()
    await expect.poll(() => stream.consumers(), { timeout: 30_000 }).toEqual([])
  })
})
