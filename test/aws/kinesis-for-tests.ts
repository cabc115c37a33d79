import { setTimeout as sleep } from 'node:timers/promises'
import { KINESIS } from '../../connectors/kinesis/kinesis-client.ts'
import type { AwsClient } from '../../runtime/aws/aws-client.ts'
import { bareClient, uniqueName } from '../servers/aws-for-tests.ts'

interface DescribedShard {
  readonly ShardId: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string }
}

/** What tests put into a stream. */
export interface TestRecord {
  readonly key: string
  readonly data: Uint8Array | string
  readonly hashKey?: string
}

/** A stream of the stand-in, with what tests do to it. */
export class TestStream {
  readonly name: string = uniqueName('stream')
  readonly client: AwsClient

  private constructor(endpoint: string) {
    this.client = bareClient(KINESIS, endpoint)
  }

  static async create(shards: number, endpoint: string): Promise<TestStream> {
    const stream = new TestStream(endpoint)
    await stream.client.sendOnce('CreateStream', { StreamName: stream.name, ShardCount: shards })
    await stream.#isActive()
    return stream
  }

  /** Writes records, each of which a shard takes by its key, in order. */
  async put(records: readonly TestRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += 500) {
      const part = records.slice(from, from + 500)
      const { FailedRecordCount } = await this.client.sendOnce<{ FailedRecordCount: number }>(
        'PutRecords',
        {
          StreamName: this.name,
          Records: part.map(({ key, data, hashKey }) => ({
            PartitionKey: key,
            Data: Buffer.from(data),
            ...(hashKey === undefined ? {} : { ExplicitHashKey: hashKey }),
          })),
        },
      )
      if (FailedRecordCount > 0) throw new Error(`${FailedRecordCount} records were not taken`)
    }
  }

  /** The shards that take records, by their hash keys. */
  async open(): Promise<readonly DescribedShard[]> {
    const { Shards } = await this.client.sendOnce<{ Shards: readonly DescribedShard[] }>(
      'ListShards',
      { StreamName: this.name },
    )
    const start = ({ HashKeyRange }: DescribedShard) => BigInt(HashKeyRange.StartingHashKey)
    return Shards.filter(
      ({ SequenceNumberRange }) => SequenceNumberRange.EndingSequenceNumber === undefined,
    ).toSorted((a, b) => (start(a) < start(b) ? -1 : 1))
  }

  /** Splits the n-th open shard in the middle. */
  async split(n: number): Promise<void> {
    const { ShardId, HashKeyRange } = (await this.open())[n]!
    const { StartingHashKey, EndingHashKey } = HashKeyRange
    const middle = (BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n
    await this.client.sendOnce('SplitShard', {
      StreamName: this.name,
      ShardToSplit: ShardId,
      NewStartingHashKey: String(middle),
    })
    await this.#isActive()
  }

  /** Merges the n-th open shard with the one behind it. */
  async merge(n: number): Promise<void> {
    const open = await this.open()
    await this.client.sendOnce('MergeShards', {
      StreamName: this.name,
      ShardToMerge: open[n]!.ShardId,
      AdjacentShardToMerge: open[n + 1]!.ShardId,
    })
    await this.#isActive()
  }

  /** Names of the consumers with enhanced fan-out. */
  async consumers(): Promise<readonly string[]> {
    const { StreamDescriptionSummary } = await this.client.sendOnce<{
      StreamDescriptionSummary: { readonly StreamARN: string }
    }>('DescribeStreamSummary', { StreamName: this.name })
    const { StreamARN } = StreamDescriptionSummary
    const { Consumers } = await this.client.sendOnce<{
      Consumers: readonly { readonly ConsumerName: string }[]
    }>('ListStreamConsumers', { StreamARN })
    return Consumers.map(({ ConsumerName }) => ConsumerName)
  }

  async delete(): Promise<void> {
    await this.client.sendOnce('DeleteStream', { StreamName: this.name })
  }

  close(): void {
    this.client.close()
  }

  async #isActive(): Promise<void> {
    for (;;) {
      const { StreamDescriptionSummary } = await this.client.sendOnce<{
        StreamDescriptionSummary: { readonly StreamStatus: string }
      }>('DescribeStreamSummary', { StreamName: this.name })
      if (StreamDescriptionSummary.StreamStatus === 'ACTIVE') return
      await sleep(10)
    }
  }
}
