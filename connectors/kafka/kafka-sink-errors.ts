import { RestartableError, StreamError } from '../../runtime/errors.ts'
import { rootCause } from './kafka-errors.ts'
import type { KafkaJsError } from './kafkajs-types.ts'

/** Number of PRODUCER_FENCED, which kafkajs has no name for. */
const PRODUCER_FENCED = 90
/** The broker has lost, or given away, what it knew of a producer: a new producer id helps. */
const FORGOTTEN = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
])
const NOT_DONE = new Set(['CONCURRENT_TRANSACTIONS', 'GROUP_LOAD_IN_PROGRESS'])

/** Whether somebody else has begun to use the id of a producer, or its transaction took too long. */
export function isFenced(error: unknown): boolean {
  const { type, code } = rootCause(error)
  return type === 'INVALID_PRODUCER_EPOCH' || code === PRODUCER_FENCED
}

/** Whether the broker no longer knows the producer, so that a new producer id helps. */
export function isForgotten(error: unknown): boolean {
  return FORGOTTEN.has(String(rootCause(error).type))
}

/** Whether the broker certainly has not done it, and will do it a little later. */
export function isNotDoneYet(error: unknown): boolean {
  return NOT_DONE.has(String(rootCause(error).type))
}

/** Whether the records are there already, from an earlier try. */
export function isDuplicate(error: unknown): boolean {
  return rootCause(error).type === 'DUPLICATE_SEQUENCE_NUMBER'
}

export function isTooLarge(error: unknown): boolean {
  const { type } = rootCause(error)
  return type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE'
}

/** A record, or the batch that it is in, is larger than the topic takes. */
export function recordTooLarge(
  operator: string,
  topic: string,
  bytes: number,
  limit: number | undefined,
): StreamError {
  const allowed = limit === undefined ? 'less' : `${limit} at most`
  return new StreamError(
    'MR_KAFKA_RECORD_TOO_LARGE',
    `"${operator}" has a record of ${bytes} bytes with its batch for the topic "${topic}", which takes ${allowed}; it cannot be written and ` +
      `the job stops rather than lose it; raise max.message.bytes of the topic (or message.max.bytes of the brokers), set compression, ` +
      `or make the record smaller.`,
    { operator, topic, bytes, limit },
  )
}

/** Another producer has taken over the transactional id. */
export function fenced(
  operator: string,
  transactionalId: string,
  prefix: string,
  cause: unknown,
): StreamError {
  return new StreamError(
    'MR_KAFKA_FENCED',
    `"${operator}" was shut out by the brokers: somebody else uses its transactional id "${transactionalId}" since; nothing of this run ` +
      `is written any more; end the other run of this job (or of a copy of its state directory), or, if it is another job, give each ` +
      `a transactionalIdPrefix of its own (this one has "${prefix}").`,
    { operator, transactionalId, prefix },
    cause,
  )
}

/** A transaction that the brokers have given up; what it held is in the checkpoint and comes again. */
export function transactionExpired(
  operator: string,
  transactionalId: string,
  timeoutMs: number,
  cause: unknown,
): StreamError {
  return new RestartableError(
    'MR_KAFKA_TRANSACTION_TIMEOUT',
    `"${operator}" did not end the transaction of "${transactionalId}" within ${timeoutMs / 1000} s, so the brokers gave it up; nothing ` +
      `of it is visible, and it is written again from the checkpoint; raise transactionTimeout, or take checkpoints more often, so ` +
      `that less is written at once.`,
    { operator, transactionalId, timeoutMs },
    cause,
  )
}

/** The timeout that was asked for is longer than the brokers allow. */
export function transactionTimeoutRefused(
  operator: string,
  timeoutMs: number,
  maxMs: number | undefined,
): StreamError {
  const allowed = maxMs === undefined ? 'less' : `${maxMs / 1000} s at most`
  return new StreamError(
    'MR_KAFKA_TRANSACTION_TIMEOUT',
    `"${operator}" has transactionTimeout ${timeoutMs / 1000} s, and the brokers allow ${allowed}; no transaction can be begun; lower ` +
      `transactionTimeout, or raise transaction.max.timeout.ms of the brokers.`,
    { operator, timeoutMs, maxMs },
  )
}

/** The topic that markers need is not there, and this user may not make it. */
export function markerTopicMissing(
  operator: string,
  topic: string,
  brokers: readonly string[],
  cause: unknown,
): StreamError {
  const reason = (rootCause(cause) as KafkaJsError).message
  return new StreamError(
    'MR_KAFKA_TOPIC_MISSING',
    `"${operator}" needs the marker topic "${topic}", which ${brokers.join(', ')} do not have, and which it could not make (${reason}); ` +
      `no transaction can be told from another; run "kafka-topics.sh --bootstrap-server ${brokers[0]} --create --topic ${topic} ` +
      `--partitions 2", or set markerTopic to one that is there.`,
    { operator, topic, brokers },
    cause,
  )
}

/** It cannot be told whether what a checkpoint has pending was committed. */
export function markerLost(
  where: {
    readonly operator: string
    readonly transactionalId: string
    readonly markerTopic: string
  },
  unknown: 'missing' | 'foreign',
  transactions: number,
): StreamError {
  const { operator, transactionalId, markerTopic } = where
  const what =
    unknown === 'missing'
      ? `has no offset in the topic "${markerTopic}" (brokers forget the offsets of groups that rest for offsets.retention.minutes, and ` +
        `those of deleted topics)`
      : `has an offset of a transaction that this job has not made (another run has gone on from this checkpoint, or this one goes back behind a later one)`
  return new StreamError(
    'MR_KAFKA_MARKER_LOST',
    `"${operator}" cannot tell what has been committed as "${transactionalId}" since its checkpoint: the group of that name ${what}; ` +
      `neither writing nor leaving out what the checkpoint has pending is safe; look into the topic, and run once with whenMarkerLost: ` +
      `'replay' (writes it, perhaps a second time) or 'skip' (it is there: after an orderly stop it is).`,
    { operator, transactionalId, markerTopic, transactions, marker: unknown },
  )
}
