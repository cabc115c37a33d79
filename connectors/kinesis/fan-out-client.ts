import { AwsClient } from '../../runtime/aws/aws-client.ts'
import type { SdkError } from '../../runtime/aws/aws-errors.ts'
import { delay } from '../../runtime/clock.ts'
import {
  KINESIS,
  type RawRecord,
  startingPosition,
  type StreamUse,
  streamInput,
} from './kinesis-client.ts'
import type { ShardPosition } from './kinesis-split.ts'

/** How often is looked whether a consumer that was registered can be used. */
const LOOK_MS = 500

/** What the service sends by itself, at least every few seconds. */
export interface ShardEventPage {
  readonly records: readonly RawRecord[]
  /** How far the records are behind the newest one of the shard; 0 at its tip. */
  readonly millisBehind: number
  /** Behind which sequence number it goes on; undefined at the end of a closed shard. */
  readonly continuation: string | undefined
  /** At the end of a shard: those that have taken over its keys. */
  readonly children: readonly string[]
}

/** Reading with enhanced fan-out: each consumer has a rate of its own. */
export interface FanOutClient {
  /** Resolves with the ARN of the consumer, once it can be used; registers it if it is not there. */
  consumer(signal: AbortSignal): Promise<string>
  /** One try; errors are those of the SDK. It ends after five minutes at the latest. */
  subscribe(
    consumer: string,
    shardId: string,
    position: ShardPosition,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ShardEventPage>>
  /** Takes the consumer away; where it is not there, nothing. */
  deregister(): Promise<void>
  close(): void
}

interface DescribedConsumer {
  readonly ConsumerARN: string
  readonly ConsumerStatus: string
}

interface EventOutput {
  readonly Records?: readonly RawRecord[]
  readonly ContinuationSequenceNumber?: string
  readonly MillisBehindLatest?: number
  readonly ChildShards?: readonly { readonly ShardId: string }[]
}

/** Either an event, or under its name what ended the subscription. */
type StreamOutput = { readonly SubscribeToShardEvent?: EventOutput } & Readonly<
  Record<string, unknown>
>

/** Enhanced fan-out by the client of the SDK: over HTTP/2, or HTTP/1.1 where the endpoint is a plain one. */
export class KinesisFanOut implements FanOutClient {
  readonly #use: StreamUse
  readonly #name: string
  readonly #client: AwsClient
  readonly #streaming: AwsClient
  #arn: Promise<string> | undefined

  constructor(use: StreamUse, consumer: string) {
    this.#use = use
    this.#name = consumer
    this.#client = new AwsClient({ service: KINESIS, ...use })
    const isPlain = use.connection.endpoint?.startsWith('http:') === true
    // A connection for each shard, where they cannot share one.
    this.#streaming = new AwsClient({
      service: KINESIS,
      ...use,
      ...(isPlain ? { maxSockets: 10_000 } : { http2: true }),
    })
  }

  async consumer(signal: AbortSignal): Promise<string> {
    const StreamARN = await this.#streamArn()
    const what = `register the consumer "${this.#name}" of the stream "${this.#use.stream}"`
    const call = { what, signal, handsOn }
    const names = { StreamARN, ConsumerName: this.#name }
    for (;;) {
      const found = await this.#describe(names)
      if (found?.ConsumerStatus === 'ACTIVE') return found.ConsumerARN
      if (found === undefined) {
        try {
          await this.#client.send('RegisterStreamConsumer', names, call)
          continue
        } catch (error) {
          // Another subtask was faster.
          if ((error as SdkError).name !== 'ResourceInUseException') throw error
        }
      }
      signal.throwIfAborted()
      await delay(this.#use.clock, LOOK_MS)
    }
  }

  async subscribe(
    consumer: string,
    shardId: string,
    position: ShardPosition,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ShardEventPage>> {
    const { type, timestamp, sequenceNumber } = startingPosition(position)
    const output = await this.#streaming.sendOnce<{
      readonly EventStream: AsyncIterable<StreamOutput>
    }>(
      'SubscribeToShard',
      {
        ConsumerARN: consumer,
        ShardId: shardId,
        StartingPosition: {
          Type: type,
          ...(timestamp === undefined ? {} : { Timestamp: timestamp }),
          ...(sequenceNumber === undefined ? {} : { SequenceNumber: sequenceNumber }),
        },
      },
      signal,
    )
    return pagesOf(output.EventStream)
  }

  async deregister(): Promise<void> {
    const names = { StreamARN: await this.#streamArn(), ConsumerName: this.#name }
    if ((await this.#describe(names)) === undefined) return
    const what = `deregister the consumer "${this.#name}" of the stream "${this.#use.stream}"`
    await this.#client.send('DeregisterStreamConsumer', names, { what })
  }

  close(): void {
    this.#client.close()
    this.#streaming.close()
  }

  async #describe(names: object): Promise<DescribedConsumer | undefined> {
    try {
      const { ConsumerDescription } = await this.#client.send<{
        readonly ConsumerDescription: DescribedConsumer
      }>('DescribeStreamConsumer', names, {
        what: `look up the consumer "${this.#name}" of the stream "${this.#use.stream}"`,
        handsOn,
      })
      return ConsumerDescription
    } catch (error) {
      if ((error as SdkError).name === 'ResourceNotFoundException') return undefined
      throw error
    }
  }

  #streamArn(): Promise<string> {
    const { stream } = this.#use
    this.#arn ??= stream.startsWith('arn:')
      ? Promise.resolve(stream)
      : this.#client
          .send<{ readonly StreamDescriptionSummary: { readonly StreamARN: string } }>(
            'DescribeStreamSummary',
            streamInput(stream),
            { what: `look up the stream "${stream}"` },
          )
          .then(({ StreamDescriptionSummary }) => StreamDescriptionSummary.StreamARN)
    return this.#arn
  }
}

function handsOn({ name }: SdkError): boolean {
  return name === 'ResourceNotFoundException' || name === 'ResourceInUseException'
}

async function* pagesOf(events: AsyncIterable<StreamOutput>): AsyncGenerator<ShardEventPage> {
  for await (const output of events) {
    const event = output.SubscribeToShardEvent
    if (event === undefined) {
      const failure = Object.values(output).find((value) => value instanceof Error)
      if (failure !== undefined) throw failure
      continue
    }
    yield {
      records: event.Records ?? [],
      millisBehind: event.MillisBehindLatest ?? 0,
      continuation: event.ContinuationSequenceNumber ?? undefined,
      children: (event.ChildShards ?? []).map(({ ShardId }) => ShardId),
    }
  }
}
