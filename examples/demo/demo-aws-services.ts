import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { encodeAggregate } from '../../connectors/kinesis/kpl-encoder.ts'
import { createDelivery } from '../../test/aws/deliveries.ts'
import { environment } from '../../test/aws/environment.ts'
import { TestStream } from '../../test/aws/kinesis-for-tests.ts'
import { TestS3 } from '../../test/servers/aws-for-tests.ts'
import { KinesisServer } from '../../test/servers/kinesis-server.ts'
import { MotoServer } from '../../test/servers/moto-server.ts'
import type { Transaction } from '../fraud/transaction.ts'

const SHARDS = 2
const BATCH_ROWS = 200
const TOLD_ROWS = 12_000

/** A stream, a delivery stream and two buckets for a demo, on stand-ins of this machine. */
export class DemoAws {
  /** With which a job finds them. */
  readonly environment: Readonly<Record<string, string>>
  readonly stream: string
  readonly deliveryStream: string
  /** Where alerts are kept. */
  readonly lake: string
  /** Where the state of jobs is. */
  readonly state: string
  readonly #stream: TestStream
  readonly #s3: TestS3
  readonly #buckets: { readonly lake: string; readonly delivered: string }
  readonly #stopServers: () => Promise<void>

  private constructor(made: {
    readonly environment: Readonly<Record<string, string>>
    readonly stream: TestStream
    readonly s3: TestS3
    readonly delivery: { readonly bucket: string; readonly name: string }
    readonly lake: string
    readonly state: string
    readonly stopServers: () => Promise<void>
  }) {
    this.environment = made.environment
    this.stream = made.stream.name
    this.deliveryStream = made.delivery.name
    this.lake = `s3://${made.lake}/alerts`
    this.state = `s3://${made.state}/jobs`
    this.#stream = made.stream
    this.#s3 = made.s3
    this.#buckets = { lake: made.lake, delivered: made.delivery.bucket }
    this.#stopServers = made.stopServers
  }

  static async start(): Promise<DemoAws> {
    const [kinesis, moto] = await Promise.all([KinesisServer.start(), MotoServer.start()])
    const s3 = new TestS3(moto.endpoint)
    return new DemoAws({
      environment: {
        ...environment(moto.endpoint),
        AWS_ENDPOINT_URL_FIREHOSE: moto.endpoint,
        AWS_ENDPOINT_URL_KINESIS: kinesis.endpoint,
      },
      stream: await TestStream.create(SHARDS, kinesis.endpoint),
      s3,
      delivery: await createDelivery(s3),
      lake: await s3.createBucket(),
      state: await s3.createBucket(),
      stopServers: async () => {
        await Promise.all([kinesis.stop(), moto.stop()])
      },
    })
  }

  /** Writes transactions to the stream: those of a card to one shard, in their order, packed as the Kinesis Producer Library packs. */
  async put(
    transactions: readonly Transaction[],
    { signal, tell }: { readonly signal: AbortSignal; readonly tell: (line: string) => void },
  ): Promise<void> {
    for (let from = 0; from < transactions.length; from += BATCH_ROWS) {
      signal.throwIfAborted()
      const batch = transactions.slice(from, from + BATCH_ROWS)
      const packs = [...Map.groupBy(batch, shardOf)].map(([shard, those]) => {
        const of = { key: `shard ${shard}`, hashKey: String(BigInt(shard) << 127n) }
        const data = those.map((one) => Buffer.from(JSON.stringify(one)))
        return { ...of, data: encodeAggregate(of, data) }
      })
      await this.#stream.put(packs)
      const sent = from + batch.length
      if (sent % TOLD_ROWS > 0 && sent < transactions.length) continue
      tell(`${sent.toLocaleString('en')} of ${transactions.length.toLocaleString('en')}`)
    }
  }

  /** The alerts that the sink of S3 has made visible. */
  async kept(): Promise<readonly string[]> {
    return this.#rows(this.#buckets.lake, gunzipSync)
  }

  /** The alerts that Firehose was told of. */
  async delivered(): Promise<readonly string[]> {
    return this.#rows(this.#buckets.delivered, (body) => body)
  }

  async stop(): Promise<void> {
    this.#stream.close()
    this.#s3.close()
    await this.#stopServers()
  }

  async #rows(bucket: string, unpack: (body: Uint8Array) => Uint8Array): Promise<string[]> {
    const store = this.#s3.store(bucket)
    const rows: string[] = []
    for await (const { key } of store.list('')) {
      const text = Buffer.from(unpack((await store.get(key))!.body)).toString()
      rows.push(...text.split('\n').filter((line) => line !== ''))
    }
    return rows
  }
}

/** Of the two halves of all hash keys the one where a card belongs. */
function shardOf({ card }: Transaction): number {
  return createHash('md5').update(card).digest()[0]! >> 7
}
