import { StreamError } from '../../runtime/errors.ts'
import type { OutputTag } from '../../runtime/operator.ts'
import { shortValue } from '../reject-record.ts'
import { splitId } from './kafka-split.ts'

/** A record of a topic that could not be read, as it goes to a side output. */
export interface BadKafkaRecord {
  /** What is wrong, in one sentence. */
  readonly error: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch, as it stands in the record. */
  readonly timestamp: number
  /** The bytes as they are; null where there are none. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

/** What happens with records that cannot be read: the job fails (default), they are counted, or go to a side output. */
export type OnBadKafkaRecord = 'fail' | 'skip' | OutputTag<BadKafkaRecord>

/** The error with which a record that cannot be read fails the job. */
export function badRecordError(record: BadKafkaRecord): StreamError {
  const { topic, partition, offset, value } = record
  const bytes = value === null ? 'null' : shortValue(Buffer.from(value).toString('utf8'))
  return new StreamError(
    'MR_BAD_RECORD',
    `${record.error}; its value is ${bytes}; the record cannot be read and the job stops rather than lose it; correct the producer, or set onError to ` +
      `'skip' or an output tag.`,
    { topic, partition, offset },
  )
}

/** The sentence of a bad record. */
export function badRecordText(
  topic: string,
  partition: number,
  offset: number,
  problem: string,
): string {
  return `${splitId(topic, partition)} at offset ${offset}: ${problem}`
}
