import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { json } from 'millrace'
import {
  type FanOutClient,
  KinesisFanOut,
  type ShardEventPage,
} from '../../connectors/kinesis/fan-out-client.ts'
import { KinesisStream, type StreamUse } from '../../connectors/kinesis/kinesis-client.ts'
import { kinesisSourceOn } from '../../connectors/kinesis/kinesis-source.ts'
import type { ShardPosition } from '../../connectors/kinesis/kinesis-split.ts'
import { checkAwsConnection } from '../../runtime/aws/aws-connection.ts'
import { SeededRandom, SystemClock } from '../../runtime/clock.ts'
import { SourceRun } from '../contract/source-run.ts'
import { kinesisEndpoint, standIn } from '../servers/aws-for-tests.ts'
import { TestStream } from './kinesis-for-tests.ts'

interface Click {
  readonly n: number
}

const streams: TestStream[] = []
afterAll(() => {
  for (const stream of streams) stream.close()
})

async function streamOf(shards: number): Promise<TestStream> {
  const stream = await TestStream.create(shards, kinesisEndpoint())
  streams.push(stream)
  return stream
}

/** Enhanced fan-out of the stand-in, which goes on with empty events behind the end of a shard, where the service says that it has ended. */
class EndingFanOut implements FanOutClient {
  readonly #fanOut: KinesisFanOut
  readonly #stream: KinesisStream

  constructor(use: StreamUse, consumer: string) {
    this.#fanOut = new KinesisFanOut(use, consumer)
    this.#stream = new KinesisStream(use)
  }

  consumer(signal: AbortSignal): Promise<string> {
    return this.#fanOut.consumer(signal)
  }

  async subscribe(
    consumer: string,
    shardId: string,
    position: ShardPosition,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ShardEventPage>> {
    const pages = await this.#fanOut.subscribe(consumer, shardId, position, signal)
    return this.#ending(shardId, pages)
  }

  async *#ending(
    shardId: string,
    pages: AsyncIterable<ShardEventPage>,
  ): AsyncGenerator<ShardEventPage> {
    let isClosed = false
    for await (const page of pages) {
      const isEmpty = page.records.length === 0
      const shards = isEmpty ? await this.#stream.listShards() : []
      if (isEmpty && isClosed) {
        const children = shards.filter(({ parents }) => parents.includes(shardId))
        yield { ...page, continuation: undefined, children: children.map(({ id }) => id) }
        return
      }
      // What the next event has not got is not there.
      isClosed = shards.some((shard) => shard.id === shardId && shard.isClosed)
      yield page
    }
  }

  deregister(): Promise<void> {
    return this.#fanOut.deregister()
  }

  close(): void {
    this.#fanOut.close()
    this.#stream.close()
  }
}

const KEYS = 5
const clicks = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: `key-${(from + i) % KEYS}`,
    data: JSON.stringify({ n: from + i }),
  }))

describe('a stream of Kinesis that is split and merged', () => {
  it('is read in order with enhanced fan-out, while it is', async () => {
    const stream = await streamOf(2)
    await stream.put(clicks(0, 20))
    const source = kinesisSourceOn<Click>(
      {
        stream: (use) => new KinesisStream(use),
        fanOut: (use, consumer) => new EndingFanOut(use, consumer),
      },
      {
        ...standIn(kinesisEndpoint()),
        stream: stream.name,
        value: json<Click>(),
        start: 'earliest',
        consumer: 'resharded',
      },
    )
    const run = await new SourceRun(source, {
      realClock: new SystemClock(),
      parallelism: 2,
    }).start()
    let id = 0
    const checkpoints = setInterval(() => {
      run.snapshot(++id)
      run.complete(id)
    }, 20)
    await run.read(20)
    await stream.split(0)
    await stream.put(clicks(20, 40))
    await run.read(40)
    await stream.merge(1)
    await stream.put(clicks(40, 60))
    await run.read(60)
    clearInterval(checkpoints)
    const numbers = run.values.map(({ n }) => n)
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n))
    for (let key = 0; key < KEYS; key++) {
      const those = numbers.filter((n) => n % KEYS === key)
      expect(those).toEqual(those.toSorted((a, b) => a - b))
    }
    // Two of before, two of the split, one of the merge.
    expect([...run.splits.keys()]).toHaveLength(5)
    await run.close()
  })

  it('lists from a time on only what was open then or later', async () => {
    const stream = await streamOf(1)
    const client = new KinesisStream({
      stream: stream.name,
      connection: checkAwsConnection(standIn(kinesisEndpoint()), 'the test', 'MR_OPTION_INVALID'),
      clock: new SystemClock(),
      random: new SeededRandom(1),
      operator: 'test',
      from: 'the test',
    })
    const before = Date.now()
    await sleep(50)
    await stream.split(0)
    // The end of a shard is known to the second.
    await sleep(1_500)
    const idsSince = async (time?: number) =>
      (await client.listShards(time)).map(({ id }) => id.slice(-1))
    expect(await idsSince()).toEqual(['0', '1', '2'])
    expect(await idsSince(before)).toEqual(['0', '1', '2'])
    expect(await idsSince(Date.now())).toEqual(['1', '2'])
    client.close()
  })
})
