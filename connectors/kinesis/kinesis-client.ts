import type { Clock, Random } from '../../runtime/clock.ts'
import { AwsClient, type AwsService } from '../../runtime/aws/aws-client.ts'
import type { CheckedAwsConnection } from '../../runtime/aws/aws-connection.ts'
import type { AwsAttempt, SdkError } from '../../runtime/aws/aws-errors.ts'
import type { ShardPosition } from './kinesis-split.ts'
import { FROM_BEGINNING, type Shard } from './shard-order.ts'

export const KINESIS: AwsService = {
  name: 'Kinesis',
  package: '@aws-sdk/client-kinesis',
  client: 'KinesisClient',
}

/** A shard as the service lists it. */
export interface ListedShard extends Shard {
  /** It takes no records any more: it was split or merged. */
  readonly isClosed: boolean
  /** All of its records have this sequence number or a higher one. */
  readonly firstSequenceNumber: string
}

/** A record as the service gives it. */
export interface RawRecord {
  readonly SequenceNumber: string
  readonly PartitionKey: string
  readonly Data: Uint8Array
  readonly ApproximateArrivalTimestamp?: Date
}

/** What one fetch brings. */
export interface ShardPage {
  readonly records: readonly RawRecord[]
  /** How far the records are behind the newest one of the shard; 0 at its tip. */
  readonly millisBehind: number
  /** Iterator for the next fetch; undefined at the end of a closed shard. */
  readonly next: string | undefined
  /** At the end of a shard: those that have taken over its keys. */
  readonly children: readonly string[]
}

/** What a source needs of a stream. */
export interface StreamClient {
  /** All shards that still have records, or take them; with a time, without those that were closed before it. */
  listShards(closedSince?: number): Promise<readonly ListedShard[]>
  /** Errors that mean that the position, or the shard, is not there are those of the SDK. */
  shardIterator(shardId: string, position: ShardPosition, signal: AbortSignal): Promise<string>
  /** One try; errors are those of the SDK. */
  getRecords(iterator: string, limit: number, signal: AbortSignal): Promise<ShardPage>
  /** How long the stream keeps its records. */
  retentionMs(): Promise<number>
  /** A random delay before the n-th try again, from 1. */
  delayBefore(n: number): number
  /** For errors: what was tried with the stream, as the end of "could not …". */
  attempt(what: string): AwsAttempt
  close(): void
}

/** What a client is made for. */
export interface StreamUse {
  /** Name or ARN. */
  readonly stream: string
  readonly connection: CheckedAwsConnection
  readonly clock: Clock
  readonly random: Random
  readonly operator: string
  readonly from: string
}

interface ListShardsOutput {
  readonly NextToken?: string
  readonly Shards?: readonly {
    readonly ShardId: string
    readonly ParentShardId?: string
    readonly AdjacentParentShardId?: string
    readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
    readonly SequenceNumberRange: {
      readonly StartingSequenceNumber: string
      readonly EndingSequenceNumber?: string
    }
  }[]
}

interface GetRecordsOutput {
  readonly Records?: readonly RawRecord[]
  readonly NextShardIterator?: string
  readonly MillisBehindLatest?: number
  readonly ChildShards?: readonly { readonly ShardId: string }[]
}

/** How a stream is named in requests. */
export function streamInput(stream: string): object {
  return stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream }
}

/** Where a request begins to read, in the words of the service. */
export interface StartingPosition {
  readonly type: string
  readonly timestamp?: Date
  readonly sequenceNumber?: string
}

/** The words of the service for a position. */
export function startingPosition(position: ShardPosition): StartingPosition {
  const { from, sequenceNumber, subSequenceNumber } = position
  if (sequenceNumber !== '') {
    const type = subSequenceNumber < 0 ? 'AFTER_SEQUENCE_NUMBER' : 'AT_SEQUENCE_NUMBER'
    return { type, sequenceNumber }
  }
  if (from === FROM_BEGINNING) return { type: 'TRIM_HORIZON' }
  return { type: 'AT_TIMESTAMP', timestamp: new Date(from) }
}

/** The position, or the shard, is not there (any more). */
export function isGone(error: SdkError): boolean {
  return error.name === 'InvalidArgumentException' || error.name === 'ResourceNotFoundException'
}

/** A stream by the client of the SDK. */
export class KinesisStream implements StreamClient {
  readonly #client: AwsClient
  readonly #stream: string

  constructor(use: StreamUse) {
    this.#client = new AwsClient({ service: KINESIS, ...use })
    this.#stream = use.stream
  }

  async listShards(closedSince?: number): Promise<readonly ListedShard[]> {
    const shards: ListedShard[] = []
    const first =
      closedSince === undefined
        ? streamInput(this.#stream)
        : {
            ...streamInput(this.#stream),
            ShardFilter: { Type: 'FROM_TIMESTAMP', Timestamp: new Date(closedSince) },
          }
    let token: string | undefined
    do {
      // A token stands for the stream and the filter as well.
      const input: object = token === undefined ? first : { NextToken: token }
      const page: ListShardsOutput = await this.#client.send('ListShards', input, {
        what: `list the shards of the stream "${this.#stream}"`,
      })
      for (const shard of page.Shards ?? []) {
        const { ParentShardId, AdjacentParentShardId, HashKeyRange } = shard
        shards.push({
          id: shard.ShardId,
          parents: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
          firstHash: HashKeyRange.StartingHashKey,
          lastHash: HashKeyRange.EndingHashKey,
          isClosed: shard.SequenceNumberRange.EndingSequenceNumber !== undefined,
          firstSequenceNumber: shard.SequenceNumberRange.StartingSequenceNumber,
        })
      }
      token = page.NextToken
    } while (token !== undefined)
    return shards
  }

  async shardIterator(
    shardId: string,
    position: ShardPosition,
    signal: AbortSignal,
  ): Promise<string> {
    const { type, timestamp, sequenceNumber } = startingPosition(position)
    const output = await this.#client.send<{ readonly ShardIterator: string }>(
      'GetShardIterator',
      {
        ...streamInput(this.#stream),
        ShardId: shardId,
        ShardIteratorType: type,
        ...(timestamp === undefined ? {} : { Timestamp: timestamp }),
        ...(sequenceNumber === undefined ? {} : { StartingSequenceNumber: sequenceNumber }),
      },
      { what: this.#reading(shardId), signal, handsOn: isGone },
    )
    return output.ShardIterator
  }

  async getRecords(iterator: string, limit: number, signal: AbortSignal): Promise<ShardPage> {
    const arn = this.#stream.startsWith('arn:') ? { StreamARN: this.#stream } : {}
    const input = { ShardIterator: iterator, Limit: limit, ...arn }
    const output = await this.#client.sendOnce<GetRecordsOutput>('GetRecords', input, signal)
    return {
      records: output.Records ?? [],
      millisBehind: output.MillisBehindLatest ?? 0,
      next: output.NextShardIterator ?? undefined,
      children: (output.ChildShards ?? []).map(({ ShardId }) => ShardId),
    }
  }

  async retentionMs(): Promise<number> {
    const { StreamDescriptionSummary } = await this.#client.send<{
      readonly StreamDescriptionSummary: { readonly RetentionPeriodHours: number }
    }>('DescribeStreamSummary', streamInput(this.#stream), {
      what: `look up the stream "${this.#stream}"`,
    })
    return StreamDescriptionSummary.RetentionPeriodHours * 3_600_000
  }

  delayBefore(n: number): number {
    return this.#client.delayBefore(n)
  }

  attempt(what: string): AwsAttempt {
    return this.#client.attempt(what)
  }

  close(): void {
    this.#client.close()
  }

  #reading(shardId: string): string {
    return `read ${shardId} of the stream "${this.#stream}"`
  }
}
