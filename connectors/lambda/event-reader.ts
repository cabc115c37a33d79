import { MIN_TIMESTAMP } from '../../runtime/element.ts'
import { BadMessageError, type MessageReader } from '../message-format.ts'
import { badRecordError, badRecordOf } from '../kinesis/bad-kinesis-record.ts'
import type { RawRecord } from '../kinesis/kinesis-client.ts'
import { CurrentRecord } from '../kinesis/kinesis-record.ts'
import { streamName } from '../kinesis/stream-name.ts'
import type { KinesisReading } from '../kinesis/kinesis-source.ts'
import { newSplit } from '../kinesis/kinesis-split.ts'
import { FROM_BEGINNING, LAST_HASH_KEY } from '../kinesis/shard-order.ts'
import { ShardRecords } from '../kinesis/shard-records.ts'
import type { KinesisEventRecord } from './kinesis-event.ts'

/** Where the records of an event go. */
export interface EventOutput {
  /** Undefined where there is room for another record, else resolves when there is. */
  ready(): Promise<void> | undefined
  emit(value: unknown, timestamp: number): void
  emitSide(tag: string, value: unknown, timestamp: number): void
  skipped(): void
}

interface EventShard {
  readonly records: ShardRecords
  readonly current: CurrentRecord<unknown>
}

/** Reads the records of events as the Kinesis source of a job reads those of its stream. */
export class EventReader {
  readonly #reading: KinesisReading
  readonly #reader: MessageReader<unknown>
  readonly #output: EventOutput
  readonly #shards: Map<string, EventShard> = new Map()
  #current: EventShard | undefined

  constructor(reading: KinesisReading, output: EventOutput) {
    this.#reading = reading
    this.#output = output
    const { stream, value } = reading
    this.#reader = value.createMessageReader({ topic: streamName(stream), part: 'value' })
  }

  async open(): Promise<void> {
    await this.#reader.open?.()
  }

  /**
   * Emits what a record holds, which is several where it is an aggregate. Undefined when all is out; else what has to be waited for
   * before `goOn`: room behind, or something that the format has to fetch.
   */
  read(record: KinesisEventRecord): Promise<void> | undefined {
    this.#current = this.#shardOf(record)
    this.#current.records.add([rawOf(record)])
    return this.goOn()
  }

  goOn(): Promise<void> | undefined {
    const { records, current } = this.#current!
    while (records.next()) {
      const waiting = this.#reader.prepare?.(records.data) ?? this.#output.ready()
      if (waiting !== undefined) return waiting
      this.#emit(current, records)
      records.handed()
    }
    return undefined
  }

  #emit(current: CurrentRecord<unknown>, records: ShardRecords): void {
    const { record } = this.#reading
    let value: unknown
    try {
      value = record === undefined ? this.#reader.read(records.data) : record(current)
    } catch (error) {
      if (!(error instanceof BadMessageError)) throw error
      this.#reject(current, records, error.problem)
      return
    }
    this.#output.emit(value, timeOf(records.arrival))
  }

  #reject(current: CurrentRecord<unknown>, records: ShardRecords, problem: string): void {
    const { onError, stream } = this.#reading
    if (onError === 'skip') return this.#output.skipped()
    const bad = badRecordOf({ stream, shardId: current.shardId, records, problem })
    if (onError === 'fail') throw badRecordError(bad)
    this.#output.emitSide(onError.name, bad, timeOf(bad.arrival))
  }

  #shardOf({ eventID }: KinesisEventRecord): EventShard {
    const id = eventID.slice(0, Math.max(0, eventID.indexOf(':')))
    let shard = this.#shards.get(id)
    if (shard === undefined) {
      // An event does not tell which keys its shard has: records of an aggregate that belong to another one are not left out.
      const all = { id, parents: [], firstHash: '0', lastHash: String(LAST_HASH_KEY) }
      const records = new ShardRecords(newSplit({ ...all, from: FROM_BEGINNING }, -1))
      shard = { records, current: new CurrentRecord(id, records, this.#reader) }
      this.#shards.set(id, shard)
    }
    return shard
  }
}

function rawOf({ kinesis }: KinesisEventRecord): RawRecord {
  return {
    SequenceNumber: kinesis.sequenceNumber,
    PartitionKey: kinesis.partitionKey,
    Data: Buffer.from(kinesis.data, 'base64'),
    ApproximateArrivalTimestamp: new Date(Math.round(kinesis.approximateArrivalTimestamp * 1_000)),
  }
}

function timeOf(arrival: number): number {
  return arrival < 0 ? MIN_TIMESTAMP : arrival
}
