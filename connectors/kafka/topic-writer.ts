import type { SinkContext } from '../../runtime/sink.ts'
import type { MessageFormat, MessageWriter } from '../message-format.ts'
import type { RecordChunk } from './batch-builder.ts'
import type { KafkaCompression } from './compression.ts'
import type { CheckedConnection } from './connection.ts'
import type { Attempted } from './kafka-errors.ts'
import type { KafkaSinkClient } from './kafka-sink-client.ts'
import { RecordEncoder, type RecordMapping } from './record-encoder.ts'
import { retrying } from './retrying.ts'

/** How often it is looked whether the topic has got more partitions. */
const REFRESH_MS = 5 * 60_000

/** What both guarantees do with records, from `kafkaSink()`. */
export interface TopicWriterOptions<T, K, V> {
  readonly connection: CheckedConnection
  readonly topic: string
  readonly value: MessageFormat<V>
  readonly key: MessageFormat<K> | undefined
  readonly mapping: RecordMapping<T, K, V>
  readonly compression: KafkaCompression
}

/** The part of a writer that both guarantees have: records become chunks for a topic whose partitions are known. */
export class TopicWriter<T, K, V> {
  readonly encoder: RecordEncoder<T, K, V>
  readonly #context: SinkContext
  readonly #options: TopicWriterOptions<T, K, V>
  readonly #client: KafkaSinkClient
  readonly #formats: readonly MessageWriter<never>[]
  #lookedAt = 0
  #isLooking = false
  isClosed = false

  constructor(
    context: SinkContext,
    client: KafkaSinkClient,
    options: TopicWriterOptions<T, K, V>,
    full: (chunk: RecordChunk) => void,
  ) {
    this.#context = context
    this.#client = client
    this.#options = options
    const { topic } = options
    const value = options.value.createMessageWriter({ topic, part: 'value' })
    const key = options.key?.createMessageWriter({ topic, part: 'key' })
    this.#formats = key === undefined ? [value] : [value, key]
    this.encoder = new RecordEncoder({
      operator: context.uid,
      topic,
      mapping: options.mapping,
      value,
      key,
      compression: options.compression,
      now: () => context.clock.now(),
      firstPartition: context.subtaskIndex,
      full,
    })
  }

  async open(): Promise<void> {
    for (const format of this.#formats) await format.open?.()
    await this.#look()
  }

  /** Looks for new partitions in the background where the last look is long ago. */
  refresh(): void {
    const { clock } = this.#context
    if (this.#isLooking || clock.elapsed() - this.#lookedAt < REFRESH_MS) return
    this.#isLooking = true
    // What is known stays good where the look fails: a topic never loses partitions.
    void this.#look()
      .catch(() => {})
      .then(() => {
        this.#isLooking = false
      })
  }

  /** Runs an operation of the client until it succeeds; `what` is the end of "could not …". */
  retrying<R>(what: string, operation: () => Promise<R>): Promise<R> {
    const { clock } = this.#context
    const { retryTimeoutMs: timeoutMs } = this.#options.connection
    return retrying(
      { clock, timeoutMs, isClosed: () => this.isClosed },
      this.tried(what),
      operation,
    )
  }

  tried(what: string): Attempted {
    return { operator: this.#context.uid, what, brokers: this.#options.connection.brokers }
  }

  async #look(): Promise<void> {
    const { topic } = this.#options
    const { partitions, maxBatchBytes } = await this.retrying(
      `find the partitions of the topic "${topic}"`,
      () => this.#client.describeTopic(topic),
    )
    this.encoder.setTopic(partitions, maxBatchBytes)
    this.#lookedAt = this.#context.clock.elapsed()
  }
}
