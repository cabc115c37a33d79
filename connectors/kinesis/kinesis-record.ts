import type { MessageReader } from '../message-format.ts'
import type { ShardRecords } from './shard-records.ts'

/**
 * The record of a stream that is being read, as `record` of `kinesisSource()` is given it. Valid during that call only: the next
 * record has the same object. The value is read when it is asked for.
 */
export interface KinesisRecord<V> {
  readonly shardId: string
  readonly partitionKey: string
  /** A decimal number of up to 129 bits: ascending within a shard. */
  readonly sequenceNumber: string
  /** Which of the records in it, where it is an aggregate of the Kinesis Producer Library; 0 otherwise. */
  readonly subSequenceNumber: number
  /** When the service took it, in milliseconds since the epoch; not quite ascending. */
  readonly arrival: number
  readonly value: V
}

/** The view of the current record of a shard. */
export class CurrentRecord<V> implements KinesisRecord<V> {
  readonly shardId: string
  readonly #records: ShardRecords
  readonly #reader: MessageReader<V>

  constructor(shardId: string, records: ShardRecords, reader: MessageReader<V>) {
    this.shardId = shardId
    this.#records = records
    this.#reader = reader
  }

  get partitionKey(): string {
    return this.#records.partitionKey
  }

  get sequenceNumber(): string {
    return this.#records.sequenceNumber
  }

  get subSequenceNumber(): number {
    return this.#records.subSequenceNumber
  }

  get arrival(): number {
    return this.#records.arrival
  }

  get value(): V {
    return this.#reader.read(this.#records.data)
  }
}
