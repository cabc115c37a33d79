import { AwsClient } from '../../runtime/aws/aws-client.ts'
import type { CheckedAwsConnection } from '../../runtime/aws/aws-connection.ts'
import type { AwsAttempt } from '../../runtime/aws/aws-errors.ts'
import { ignoreDenied, refusalsOf } from '../aws/put-answers.ts'
import type { PutRecord } from '../aws/put-record.ts'
import type { PutRefusal, PutService } from '../aws/put-service.ts'
import type { PutSurroundings } from '../aws/put-sink.ts'
import { KINESIS, streamInput } from './kinesis-client.ts'

/** What `PutRecords` answers, as far as it matters. */
interface PutRecordsOutput {
  readonly Records?: readonly { readonly ErrorCode?: string; readonly ErrorMessage?: string }[]
}

interface PutRecordsEntry {
  readonly Data: Uint8Array
  readonly PartitionKey: string
  readonly ExplicitHashKey?: string
}

/** Writes to a stream by `PutRecords`. */
export class PutRecords implements PutService {
  readonly throttle = 'ProvisionedThroughputExceededException'
  readonly wayOut =
    'give the stream more shards (or the mode on-demand), spread the partition keys, or write less'
  readonly target: string
  readonly #client: AwsClient
  readonly #stream: object

  constructor(
    stream: string,
    connection: CheckedAwsConnection,
    { clock, random }: PutSurroundings,
    operator: string,
  ) {
    this.target = `the stream "${stream}"`
    this.#stream = streamInput(stream)
    const from = 'kinesisSink()'
    this.#client = new AwsClient({
      service: KINESIS,
      connection,
      clock,
      random,
      operator,
      from,
    })
  }

  async put(
    records: readonly PutRecord[],
    signal: AbortSignal,
  ): Promise<readonly (PutRefusal | undefined)[]> {
    const input = { ...this.#stream, Records: records.map(entryOf) }
    const output = await this.#client.sendOnce<PutRecordsOutput>('PutRecords', input, signal)
    return refusalsOf(output.Records)
  }

  delayBefore(n: number): number {
    return this.#client.delayBefore(n)
  }

  attempt(what: string): AwsAttempt {
    return this.#client.attempt(what)
  }

  async checkTarget(): Promise<void> {
    const call = { what: `find ${this.target}` }
    await ignoreDenied(this.#client.send('DescribeStreamSummary', this.#stream, call))
  }

  close(): void {
    this.#client.close()
  }
}

function entryOf({ data, key, hashKey }: PutRecord): PutRecordsEntry {
  if (hashKey === undefined) return { Data: data, PartitionKey: key! }
  return { Data: data, PartitionKey: key!, ExplicitHashKey: hashKey }
}
