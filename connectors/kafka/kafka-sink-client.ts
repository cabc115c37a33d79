import type { ProducerIdentity, SequencedChunk } from './produce-request.ts'

/** What is known of the topic of a sink. */
export interface SinkTopic {
  readonly partitions: number
  /** The largest batch that the topic takes; undefined where the user may not see it. */
  readonly maxBatchBytes: number | undefined
}

/** What a marker group holds in its two partitions, as the metadata of offsets. */
export interface Markers {
  /** The last transaction that was committed; undefined for none. */
  readonly committed: string | undefined
  /** The last barrier; undefined for none. */
  readonly barrier: string | undefined
}

/** Which of the two partitions of the marker topic an offset is for. */
export const COMMITTED = 0
export const BARRIER = 1

/**
 * What writing needs of a cluster; behind it stands kafkajs. Each call is one try: a rejection is an error of kafkajs, and says
 * nothing of whether the broker has done it. After one that is no answer of a broker the next call looks for the brokers anew.
 */
export interface KafkaSinkClient {
  /** As it is now; fails with `MR_KAFKA_TOPIC_MISSING`. */
  describeTopic(topic: string): Promise<SinkTopic>
  /** Makes the marker topic where it is missing; fails with `MR_KAFKA_TOPIC_MISSING` where the user may not. */
  ensureMarkerTopic(topic: string): Promise<void>
  /** The longest transaction that the brokers allow; undefined where the user may not see it. */
  maxTransactionTimeoutMs(): Promise<number | undefined>
  /**
   * A producer id. With a transactional id it ends what was open under it, and fences who used it before; undefined makes one that
   * is idempotent only.
   */
  initProducer(transactionalId: string | undefined, timeoutMs: number): Promise<ProducerIdentity>
  /** Takes partitions into the transaction; again is as once. */
  addPartitions(
    producer: ProducerIdentity,
    topic: string,
    partitions: readonly number[],
  ): Promise<void>
  /**
   * Sends at most one chunk for each partition, to all their leaders at once. Resolves with one outcome a chunk: undefined when it
   * is written, or its error.
   */
  produce(
    producer: ProducerIdentity,
    topic: string,
    chunks: readonly SequencedChunk[],
  ): Promise<readonly (Error | undefined)[]>
  /** Writes a marker within the transaction. */
  sendMarker(
    producer: ProducerIdentity,
    markerTopic: string,
    which: typeof COMMITTED | typeof BARRIER,
    text: string,
  ): Promise<void>
  /** Commits or aborts the transaction. A rejection leaves open whether it did. */
  endTransaction(producer: ProducerIdentity, commits: boolean): Promise<void>
  /** What is committed for a transactional id; it may be older than the last `endTransaction`. */
  readMarkers(transactionalId: string, markerTopic: string): Promise<Markers>
  close(): Promise<void>
}
