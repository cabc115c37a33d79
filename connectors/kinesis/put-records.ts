import type { RecordAnswer } from '../aws/put-answers.ts'
import type { PutRequests } from '../aws/aws-put-service.ts'
import type { PutRecord } from '../aws/put-record.ts'
import { KINESIS, streamInput } from './kinesis-client.ts'

/** What `PutRecords` answers, as far as it matters. */
interface PutRecordsOutput {
  readonly Records?: readonly RecordAnswer[]
}

interface PutRecordsEntry {
  readonly Data: Uint8Array
  readonly PartitionKey: string
  readonly ExplicitHashKey?: string
}

/** Writing to a stream by `PutRecords`. */
export function putRecords(stream: string): PutRequests {
  return {
    service: KINESIS,
    from: 'kinesisSink()',
    target: `the stream "${stream}"`,
    throttle: 'ProvisionedThroughputExceededException',
    wayOut:
      'give the stream more shards (or the mode on-demand), spread the partition keys, or write less',
    name: streamInput(stream),
    look: 'DescribeStreamSummary',
    put: 'PutRecords',
    entryOf,
    answersOf: (output: PutRecordsOutput) => output.Records,
  }
}

function entryOf({ data, key, hashKey }: PutRecord): PutRecordsEntry {
  if (hashKey === undefined) return { Data: data, PartitionKey: key! }
  return { Data: data, PartitionKey: key!, ExplicitHashKey: hashKey }
}
