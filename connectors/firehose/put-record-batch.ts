import { AwsClient, type AwsService } from '../../runtime/aws/aws-client.ts'
import type { CheckedAwsConnection } from '../../runtime/aws/aws-connection.ts'
import type { AwsAttempt } from '../../runtime/aws/aws-errors.ts'
import { ignoreDenied, refusalsOf } from '../aws/put-answers.ts'
import type { PutRecord } from '../aws/put-record.ts'
import type { PutRefusal, PutService } from '../aws/put-service.ts'
import type { PutSurroundings } from '../aws/put-sink.ts'

/** The service, for `AwsClient`. */
export const FIREHOSE: AwsService = {
  name: 'Firehose',
  package: '@aws-sdk/client-firehose',
  client: 'FirehoseClient',
}

/** What `PutRecordBatch` answers, as far as it matters. */
interface PutRecordBatchOutput {
  readonly RequestResponses?: readonly {
    readonly ErrorCode?: string
    readonly ErrorMessage?: string
  }[]
}

/** Writes to a delivery stream by `PutRecordBatch`, whose answer is 200 even if it has taken nothing. */
export class PutRecordBatch implements PutService {
  /** Firehose has no code of its own for limits that are reached. */
  readonly throttle = 'ServiceUnavailableException'
  readonly wayOut = 'have the limits of the delivery stream raised, or write less'
  readonly target: string
  readonly #client: AwsClient
  readonly #name: { readonly DeliveryStreamName: string }

  constructor(
    deliveryStream: string,
    connection: CheckedAwsConnection,
    { clock, random }: PutSurroundings,
    operator: string,
  ) {
    this.target = `the delivery stream "${deliveryStream}"`
    this.#name = { DeliveryStreamName: deliveryStream }
    const from = 'firehoseSink()'
    this.#client = new AwsClient({ service: FIREHOSE, connection, clock, random, operator, from })
  }

  async put(
    records: readonly PutRecord[],
    signal: AbortSignal,
  ): Promise<readonly (PutRefusal | undefined)[]> {
    const input = { ...this.#name, Records: records.map(({ data }) => ({ Data: data })) }
    const output = await this.#client.sendOnce<PutRecordBatchOutput>(
      'PutRecordBatch',
      input,
      signal,
    )
    return refusalsOf(output.RequestResponses)
  }

  delayBefore(n: number): number {
    return this.#client.delayBefore(n)
  }

  attempt(what: string): AwsAttempt {
    return this.#client.attempt(what)
  }

  async checkTarget(): Promise<void> {
    const call = { what: `find ${this.target}` }
    await ignoreDenied(this.#client.send('DescribeDeliveryStream', this.#name, call))
  }

  close(): void {
    this.#client.close()
  }
}
