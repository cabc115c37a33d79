import { StreamError } from '../../runtime/errors.ts'
import type { OutputTag } from '../../runtime/operator.ts'
import { shortValue } from '../reject-record.ts'
import { placeIn } from './kinesis-errors.ts'
import type { ShardRecords } from './shard-records.ts'

/** A record of a stream that could not be read, as it goes to a side output. */
export interface BadKinesisRecord {
  /** What is wrong, in one sentence. */
  readonly error: string
  readonly stream: string
  readonly shardId: string
  readonly sequenceNumber: string
  /** Which of the records in it, where it is an aggregate of the Kinesis Producer Library; 0 otherwise. */
  readonly subSequenceNumber: number
  readonly partitionKey: string
  /** When the service took it, in milliseconds since the epoch. */
  readonly arrival: number
  /** The bytes as they are. */
  readonly value: Uint8Array
}

/** What happens with records that cannot be read: the job fails (default), they are counted, or go to a side output. */
export type OnBadKinesisRecord = 'fail' | 'skip' | OutputTag<BadKinesisRecord>

/** Makes one of the current record of a shard; `problem` is the end of the sentence "the value …". */
export function badRecordOf(options: {
  readonly stream: string
  readonly shardId: string
  readonly records: ShardRecords
  readonly problem: string
}): BadKinesisRecord {
  const { stream, shardId, records, problem } = options
  const { sequenceNumber, subSequenceNumber, partitionKey, arrival, data } = records
  return {
    error: `${placeIn(stream, shardId, records.currentPlace)}: the value ${problem}`,
    stream,
    shardId,
    sequenceNumber,
    subSequenceNumber,
    partitionKey,
    arrival,
    value: new Uint8Array(data),
  }
}

/** The error with which a record that cannot be read fails the job. */
export function badRecordError(record: BadKinesisRecord): StreamError {
  const { error, stream, shardId, sequenceNumber, subSequenceNumber, value } = record
  return new StreamError(
    'MR_BAD_RECORD',
    `${error}; its value is ${shortValue(Buffer.from(value).toString('utf8'))}; the record cannot be read and the job stops rather than ` +
      `lose it; correct the producer, or set onError to 'skip' or an output tag.`,
    { stream, shardId, sequenceNumber, subSequenceNumber },
  )
}
