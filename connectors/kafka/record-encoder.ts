import { givenText, StreamError } from '../../runtime/errors.ts'
import type { MessageWriter } from '../message-format.ts'
import { BatchBuilder, type RecordChunk, type WrittenHeader } from './batch-builder.ts'
import { COMPRESSIONS, compress, type KafkaCompression } from './compression.ts'
import { recordTooLarge } from './kafka-sink-errors.ts'
import { partitionOfKey } from './partitioner.ts'
import { BATCH_HEADER } from './record-batch.ts'

/** Records of one partition that go out together, before compression. */
const MAX_CHUNK_BYTES = 900_000
/** Records without a key stay with one partition for so many bytes. */
const STICKY_BYTES = 16_384
const NO_HEADERS: readonly WrittenHeader[] = []

/** What of a record goes where; from `kafkaSink()`. */
export interface RecordMapping<T, K, V> {
  /** Null for a tombstone. */
  readonly toValue: (record: T) => V | null
  /** Undefined: no record has a key. */
  readonly toKey: ((record: T) => K | null) | undefined
  readonly headers: ((record: T) => Readonly<Record<string, string | Uint8Array>>) | undefined
  readonly timestamp: ((record: T) => number) | undefined
  readonly partition: ((record: T, partitions: number) => number) | undefined
}

export interface RecordEncoderOptions<T, K, V> {
  readonly operator: string
  readonly topic: string
  readonly mapping: RecordMapping<T, K, V>
  readonly value: MessageWriter<V>
  readonly key: MessageWriter<K> | undefined
  readonly compression: KafkaCompression
  /** Milliseconds since the epoch, for records without a time. */
  readonly now: () => number
  /** Where records without a key begin, so that subtasks do not all write to the same partition. */
  readonly firstPartition: number
  /** Takes what is full. */
  readonly full: (chunk: RecordChunk) => void
}

/** Turns records into chunks for the partitions of a topic. */
export class RecordEncoder<T, K, V> {
  readonly #options: RecordEncoderOptions<T, K, V>
  readonly #codec: number
  readonly #compress: (bytes: Buffer) => Buffer
  readonly #builders: Map<number, BatchBuilder> = new Map()
  #partitions = 0
  #maxBatchBytes: number | undefined
  #maxChunkBytes = MAX_CHUNK_BYTES
  #stickyPartition: number
  #stickyBytes = 0
  /** Bytes in chunks that are not full. */
  bytes = 0

  constructor(options: RecordEncoderOptions<T, K, V>) {
    this.#options = options
    const { compression } = options
    this.#codec = COMPRESSIONS.indexOf(compression)
    this.#compress = (bytes) => compress(compression, bytes)
    this.#stickyPartition = options.firstPartition
  }

  /** Tells how many partitions there are, and what the topic takes; again when it has changed. */
  setTopic(partitions: number, maxBatchBytes: number | undefined): void {
    this.#partitions = partitions
    this.#maxBatchBytes = maxBatchBytes
    // Compression can make a little more of what cannot be compressed.
    if (maxBatchBytes !== undefined)
      this.#maxChunkBytes = Math.min(MAX_CHUNK_BYTES, Math.floor(0.9 * maxBatchBytes))
  }

  write(record: T, eventTime: number): void {
    const { mapping, value: values, key: keys } = this.#options
    const given = mapping.toValue(record)
    const value = given === null ? null : values.write(given)
    const givenKey = mapping.toKey?.(record) ?? null
    const key = givenKey === null ? null : keys!.write(givenKey)
    const headers =
      mapping.headers === undefined ? NO_HEADERS : Object.entries(mapping.headers(record))
    const partition = this.#partitionOf(record, key)
    let builder = this.#builders.get(partition)
    if (builder === undefined)
      this.#builders.set(partition, (builder = new BatchBuilder(partition)))
    const size = (key?.length ?? 0) + (value?.length ?? 0)
    // A large record goes alone, so that only itself can be too large.
    if (builder.count > 0 && builder.bytes + size > this.#maxChunkBytes) this.#take(builder)
    const before = builder.bytes
    builder.append(key, value, this.#timeOf(record, eventTime), headers)
    const added = builder.bytes - before
    this.bytes += added
    if (key === null) this.#stickyBytes += added
    if (builder.bytes >= this.#maxChunkBytes) this.#take(builder)
  }

  /** Hands on all that there is. */
  flush(): void {
    for (const builder of this.#builders.values()) if (builder.count > 0) this.#take(builder)
  }

  #take(builder: BatchBuilder): void {
    const { operator, topic, full } = this.#options
    this.bytes -= builder.bytes
    const chunk = builder.take(this.#codec, this.#compress)
    const bytes = BATCH_HEADER + chunk.records.length
    const limit = this.#maxBatchBytes
    if (limit !== undefined && bytes > limit) throw recordTooLarge(operator, topic, bytes, limit)
    full(chunk)
  }

  #partitionOf(record: T, key: Uint8Array | null): number {
    const partitions = this.#partitions
    const { partition: choose } = this.#options.mapping
    if (choose !== undefined) {
      const chosen = choose(record, partitions)
      if (Number.isInteger(chosen) && chosen >= 0 && chosen < partitions) return chosen
      throw this.#invalid(
        'MR_PARTITION_INVALID',
        'partition',
        chosen,
        `a whole number from 0 to ${partitions - 1}`,
      )
    }
    if (key !== null) return partitionOfKey(key, partitions)
    if (this.#stickyBytes >= STICKY_BYTES) {
      this.#stickyPartition++
      this.#stickyBytes = 0
    }
    return this.#stickyPartition % partitions
  }

  #timeOf(record: T, eventTime: number): number {
    const { mapping, now } = this.#options
    const time = mapping.timestamp === undefined ? eventTime : mapping.timestamp(record)
    if (Number.isSafeInteger(time) && time >= 0) return time
    if (mapping.timestamp === undefined) return now()
    throw this.#invalid('MR_TIMESTAMP_INVALID', 'timestamp', time, 'milliseconds since the epoch')
  }

  #invalid(
    code: 'MR_PARTITION_INVALID' | 'MR_TIMESTAMP_INVALID',
    option: string,
    found: unknown,
    wanted: string,
  ): StreamError {
    const { operator, topic } = this.#options
    return new StreamError(
      code,
      `"${operator}": the function ${option} of kafkaSink() returned ${givenText(found)} for a record of the topic "${topic}", so the ` +
        `record cannot be written; return ${wanted}.`,
      { operator, topic, option },
    )
  }
}
