import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const PAGE_RECORDS = 5_000
const PAD = 'x'.repeat(140)

/** A record of the bench: 200 bytes of JSON, about. */
export interface Payment {
  readonly n: number
  readonly amount: number
  readonly pad: string
}

/** A Kinesis that costs next to nothing: one stream whose answers are made beforehand, so that the one who reads is measured. */
export class FastKinesis {
  readonly endpoint: string
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(shards: number, records: number): Promise<FastKinesis> {
    const perShard = Math.ceil(records / shards / PAGE_RECORDS)
    const pages = Array.from({ length: shards }, (_, shard) =>
      Array.from({ length: perShard }, (__, page) => pageOf(shard, page, perShard)),
    )
    const server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const operation = String(request.headers['x-amz-target']).split('.')[1]!
        const answer = answerTo(operation, JSON.parse(body) as Record<string, unknown>, pages)
        response.writeHead(answer === undefined ? 400 : 200, {
          'content-type': 'application/x-amz-json-1.1',
        })
        response.end(answer ?? JSON.stringify({ __type: 'InvalidArgumentException' }))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FastKinesis(server)
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** Records that a stream of so many shards has, when it is asked for that many. */
export function roundedRecords(shards: number, records: number): number {
  return Math.ceil(records / shards / PAGE_RECORDS) * shards * PAGE_RECORDS
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

function answerTo(
  operation: string,
  input: Readonly<Record<string, unknown>>,
  pages: readonly (readonly Buffer[])[],
): string | Buffer | undefined {
  if (operation === 'ListShards') return JSON.stringify({ Shards: pages.map(shardOf) })
  if (operation === 'DescribeStreamSummary') {
    const summary = { StreamName: 'bench', RetentionPeriodHours: 24, StreamStatus: 'ACTIVE' }
    return JSON.stringify({ StreamDescriptionSummary: summary })
  }
  if (operation === 'GetShardIterator') {
    return JSON.stringify({ ShardIterator: `${String(input['ShardId']).split('-')[1]!}:0` })
  }
  if (operation !== 'GetRecords') return undefined
  const [shard, page] = String(input['ShardIterator']).split(':').map(Number) as [number, number]
  const end = { Records: [], NextShardIterator: `${shard}:${page}`, MillisBehindLatest: 0 }
  return pages[shard]![page] ?? JSON.stringify(end)
}

function shardOf(_: unknown, shard: number, { length }: readonly unknown[]): object {
  const width = (1n << 128n) / BigInt(length)
  return {
    ShardId: `shardId-${shard}`,
    HashKeyRange: {
      StartingHashKey: String(width * BigInt(shard)),
      EndingHashKey: String(width * BigInt(shard + 1) - 1n),
    },
    SequenceNumberRange: { StartingSequenceNumber: sequenceNumber(shard, 0) },
  }
}

function pageOf(shard: number, page: number, count: number): Buffer {
  const arrival = Date.UTC(2026, 0, 1) / 1_000
  const Records = Array.from({ length: PAGE_RECORDS }, (_, i) => {
    const n = page * PAGE_RECORDS + i
    const payment: Payment = { n, amount: n % 1_000, pad: PAD }
    return {
      SequenceNumber: sequenceNumber(shard, n),
      ApproximateArrivalTimestamp: arrival + n / 1_000,
      Data: Buffer.from(JSON.stringify(payment)).toString('base64'),
      PartitionKey: `card-${n % 1_000}`,
    }
  })
  const MillisBehindLatest = (count - page - 1) * 1_000
  const next = { NextShardIterator: `${shard}:${page + 1}`, MillisBehindLatest }
  return Buffer.from(JSON.stringify({ Records, ...next }))
}

function sequenceNumber(shard: number, n: number): string {
  return `49${shard}${String(n + 1).padStart(20, '0')}`
}
