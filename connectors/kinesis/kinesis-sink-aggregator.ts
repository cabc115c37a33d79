import { PutRecord } from '../aws/put-record.ts'
import { aggregatedRecordBytes, emptyAggregateBytes, encodeAggregate } from './kpl-encoder.ts'

/** As long as the Producer Library makes them. */
const MAX_AGGREGATE_BYTES = 51_200
/** What a record that is held back costs in memory beside its bytes, about. */
const RECORD_OVERHEAD_BYTES = 100

/** Records of one key that are held back. */
interface Open {
  readonly first: PutRecord
  readonly data: Uint8Array[]
  bytes: number
}

/**
 * Packs records of one key into one record of Kinesis; those of a key keep their order.
 *
 * A record that is alone when it has to go, or larger than an aggregate may be, goes as it is.
 */
export class Aggregator {
  readonly #emit: (record: PutRecord) => void
  readonly #maxBytes: number
  /** By hash key and key. */
  readonly #open: Map<string, Open> = new Map()
  /** Memory of what is held back. */
  heldBytes = 0

  constructor(emit: (record: PutRecord) => void, maxRecordBytes: number) {
    this.#emit = emit
    this.#maxBytes = Math.min(MAX_AGGREGATE_BYTES, maxRecordBytes)
  }

  add(record: PutRecord): void {
    const key = record.key!
    const { hashKey, data } = record
    const of = { key, hashKey }
    // A hash key has no blank, so each pair has a name of its own.
    const name = `${hashKey ?? ''} ${key}`
    const added = aggregatedRecordBytes(of, data.length)
    let open = this.#open.get(name)
    if (open !== undefined && open.bytes + added > this.#maxBytes) {
      this.#take(open)
      open = undefined
    }
    if (open === undefined) {
      const bytes = emptyAggregateBytes(of) + Buffer.byteLength(key) + added
      open = { first: record, data: [], bytes }
      this.#open.set(name, open)
    } else open.bytes += added
    open.data.push(data)
    this.heldBytes += data.length + RECORD_OVERHEAD_BYTES
  }

  /** Hands on all that is held back. */
  flush(): void {
    for (const open of this.#open.values()) this.#take(open)
    this.#open.clear()
    this.heldBytes = 0
  }

  #take({ first, data }: Open): void {
    for (const one of data) this.heldBytes -= one.length + RECORD_OVERHEAD_BYTES
    if (data.length === 1) {
      this.#emit(first)
      return
    }
    const { hashKey } = first
    const key = first.key!
    const bytes = encodeAggregate({ key, hashKey }, data)
    this.#emit(new PutRecord(bytes, key, hashKey, data.length))
  }
}
