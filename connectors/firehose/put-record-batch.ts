import type { AwsService } from '../../runtime/aws/aws-client.ts'
import type { PutRequests } from '../aws/aws-put-service.ts'
import type { RecordAnswer } from '../aws/put-answers.ts'

/** The service, for `AwsClient`. */
export const FIREHOSE: AwsService = {
  name: 'Firehose',
  package: '@aws-sdk/client-firehose',
  client: 'FirehoseClient',
}

/** What `PutRecordBatch` answers, as far as it matters. */
interface PutRecordBatchOutput {
  readonly RequestResponses?: readonly RecordAnswer[]
}

/** Writing to a delivery stream by `PutRecordBatch`, whose answer is 200 even if it has taken nothing. */
export function putRecordBatch(deliveryStream: string): PutRequests {
  return {
    service: FIREHOSE,
    from: 'firehoseSink()',
    target: `the delivery stream "${deliveryStream}"`,
    // Firehose has no code of its own for limits that are reached.
    throttle: 'ServiceUnavailableException',
    wayOut: 'have the limits of the delivery stream raised, or write less',
    name: { DeliveryStreamName: deliveryStream },
    look: 'DescribeDeliveryStream',
    put: 'PutRecordBatch',
    entryOf: ({ data }) => ({ Data: data }),
    answersOf: (output: PutRecordBatchOutput) => output.RequestResponses,
  }
}
