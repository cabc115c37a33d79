import { StreamError, thrownText } from '../../runtime/errors.ts'
import { type KafkaSplit, splitId } from './kafka-split.ts'
import { RecordSetError } from './record-batch.ts'

/** `orders[3] at offset 17`. */
export function placeIn(split: KafkaSplit, offset: number): string {
  return `${splitId(split.topic, split.partition)} at offset ${offset}`
}

/** A batch of records whose bytes make no sense. */
export function corruptBatch(
  operator: string,
  split: KafkaSplit,
  offset: number,
  error: unknown,
): unknown {
  if (error instanceof StreamError) return error
  const reason = error instanceof RecordSetError ? error.message : thrownText(error)
  return new StreamError(
    'MR_BAD_RECORD',
    `"${operator}" cannot read the batch of records behind ${placeIn(split, offset)}: ${reason}; nothing behind it can be read either; ` +
      `look into the log segment with the tools of Kafka, or start behind the batch with other offsets and a new uid.`,
    { operator, topic: split.topic, partition: split.partition, offset },
    error,
  )
}

/** The position to go on from is not in the partition. */
export function offsetGone(
  operator: string,
  split: KafkaSplit,
  offset: number,
  first: number,
  last: number,
): StreamError {
  const why =
    offset < first
      ? 'the records before were removed by the retention of the topic, or deleted'
      : 'the topic was made anew, or lost records'
  return new StreamError(
    'MR_KAFKA_OFFSET_GONE',
    `"${operator}" is to go on at offset ${offset} of ${split.id}, which has ${first} to ${last}: ${why}; records would be missed or ` +
      `read twice without a word; set whenOffsetGone to "earliest" or "latest", or restore a snapshot that fits the topic.`,
    { operator, topic: split.topic, partition: split.partition, offset, first, last },
  )
}
