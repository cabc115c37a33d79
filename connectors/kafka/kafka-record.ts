import type { MessageReader } from '../message-format.ts'
import type { RecordHeader, RecordSet } from './record-batch.ts'

/**
 * The record of a topic that is being read, as `record` of `kafkaSource()` is given it. Valid during that call only: the next
 * record has the same object. Keys and values are read when they are asked for.
 */
export interface KafkaRecord<K, V> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch: when it was produced, or appended, as the topic says; -1 for none. */
  readonly timestamp: number
  /** Null where the record has none. */
  readonly key: K | null
  /** Null for a tombstone, which deletes its key. */
  readonly value: V | null
  /** In their order; names may occur more than once. */
  readonly headers: readonly RecordHeader[]
  /** The value of the last header with this name, as text; undefined where there is none. */
  header(name: string): string | undefined
}

/** The view of the current record of a record set. */
export class CurrentRecord<K, V> implements KafkaRecord<K, V> {
  readonly topic: string
  readonly partition: number
  readonly #key: MessageReader<K>
  readonly #value: MessageReader<V>
  /** The set whose current record this shows. */
  records: RecordSet | undefined

  constructor(topic: string, partition: number, key: MessageReader<K>, value: MessageReader<V>) {
    this.topic = topic
    this.partition = partition
    this.#key = key
    this.#value = value
  }

  get offset(): number {
    return this.records!.offset
  }

  get timestamp(): number {
    return this.records!.timestamp
  }

  get key(): K | null {
    const bytes = this.records!.key()
    return bytes === null ? null : this.#key.read(bytes)
  }

  get value(): V | null {
    const bytes = this.records!.value()
    return bytes === null ? null : this.#value.read(bytes)
  }

  get headers(): readonly RecordHeader[] {
    return this.records!.headers()
  }

  header(name: string): string | undefined {
    return this.headers.findLast(({ key }) => key === name)?.value?.toString('utf8')
  }
}
