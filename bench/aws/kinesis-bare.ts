import { KINESIS } from '../../connectors/kinesis/kinesis-client.ts'
import { bareClient } from '../../test/servers/aws-for-tests.ts'
import { cpuNs } from '../cpu-time.ts'
import type { Payment } from './fast-kinesis.ts'

interface Page {
  readonly Records: readonly { readonly Data: Uint8Array }[]
  readonly NextShardIterator: string
  readonly MillisBehindLatest: number
}

/* GetRecords again and again with the client of the SDK, a loop a shard, in one thread: `kinesis-bare.ts <endpoint> <shards>`. */
const [endpoint, shards] = process.argv.slice(2) as [string, string]
const client = bareClient(KINESIS, endpoint)
let records = 0
let sum = 0
let startedAt = 0
let cpuBefore = 0

async function readShard(shard: number): Promise<void> {
  const { ShardIterator } = await client.sendOnce<{ ShardIterator: string }>('GetShardIterator', {
    StreamName: 'bench',
    ShardId: `shardId-${shard}`,
    ShardIteratorType: 'TRIM_HORIZON',
  })
  for (let iterator = ShardIterator; ;) {
    const page = await client.sendOnce<Page>('GetRecords', {
      ShardIterator: iterator,
      Limit: 10_000,
    })
    if (records === 0) {
      startedAt = performance.now()
      cpuBefore = cpuNs()
    }
    for (const { Data } of page.Records) {
      const payment = JSON.parse(
        Buffer.from(Data.buffer, Data.byteOffset, Data.length).toString(),
      ) as Payment
      sum += payment.amount
      records++
    }
    if (page.MillisBehindLatest === 0) return
    iterator = page.NextShardIterator
  }
}

await Promise.all(Array.from({ length: Number(shards) }, (_, shard) => readShard(shard)))
const wallSeconds = (performance.now() - startedAt) / 1_000
console.log(JSON.stringify({ records, sum, wallSeconds, cpuSeconds: (cpuNs() - cpuBefore) / 1e9 }))
client.close()
