import type { AwsClient } from '../../runtime/aws/aws-client.ts'
import { uniqueName } from '../servers/aws-for-tests.ts'

/** A record as it is in a stream. */
export interface FoundRecord {
  readonly key: string
  readonly bytes: Buffer
  readonly text: string
  readonly shardId: string
}

/** Makes a stream and resolves with its name when it can be used. */
export async function createStream(client: AwsClient, ShardCount: number): Promise<string> {
  const StreamName = uniqueName('stream')
  await client.sendOnce('CreateStream', { StreamName, ShardCount })
  for (;;) {
    const { StreamDescriptionSummary } = await client.sendOnce<{
      StreamDescriptionSummary: { StreamStatus: string }
    }>('DescribeStreamSummary', { StreamName })
    if (StreamDescriptionSummary.StreamStatus === 'ACTIVE') return StreamName
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** All records of a stream, shard by shard, in the order in which they are there. */
export async function readStream(client: AwsClient, StreamName: string): Promise<FoundRecord[]> {
  const { Shards } = await client.sendOnce<{ Shards: readonly { ShardId: string }[] }>(
    'ListShards',
    { StreamName },
  )
  const found: FoundRecord[] = []
  for (const { ShardId } of Shards) {
    let { ShardIterator } = await client.sendOnce<{ ShardIterator?: string }>('GetShardIterator', {
      StreamName,
      ShardId,
      ShardIteratorType: 'TRIM_HORIZON',
    })
    for (let millisBehind = 1; millisBehind > 0 && ShardIterator !== undefined;) {
      const page: {
        readonly NextShardIterator?: string
        readonly MillisBehindLatest?: number
        readonly Records: readonly { readonly Data: Uint8Array; readonly PartitionKey: string }[]
      } = await client.sendOnce('GetRecords', { ShardIterator })
      for (const { Data, PartitionKey } of page.Records) {
        const bytes = Buffer.from(Data)
        found.push({ key: PartitionKey, bytes, text: bytes.toString(), shardId: ShardId })
      }
      ShardIterator = page.NextShardIterator
      millisBehind = page.MillisBehindLatest ?? 0
    }
  }
  return found
}
