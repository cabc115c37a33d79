import type { RawRecord } from './kinesis-client.ts'
import type { KinesisSplit, ShardPosition } from './kinesis-split.ts'
import { Aggregate, hashOf } from './kpl-aggregate.ts'
import { LAST_HASH_KEY } from './shard-order.ts'

/**
 * The records of a shard that were fetched and wait, one after another; pure. Aggregates of the Kinesis Producer Library are taken
 * apart, and what of them does not belong to the shard is left out: after a split or merge the producer sends it anew.
 *
 * ```
 *   pages ──next()──▶ the current record, which stays so until ──handed()──▶ position
 * ```
 */
export class ShardRecords {
  /** Undefined where the shard takes all hash keys. */
  readonly #hashes: { readonly first: bigint; readonly last: bigint } | undefined
  readonly #pages: (readonly RawRecord[])[] = []
  readonly #sizes: number[] = []
  /** The record that the current one is, or is in, and its index in the first page. */
  #raw!: RawRecord
  #index = -1
  #aggregate: Aggregate | undefined
  #isHolding = false
  /** Up to where records have been handed out before a restore; undefined once that is behind. */
  #skipTo: ShardPosition | undefined
  readonly #from: number
  /** Behind what has been handed out; an object is made of it only for a checkpoint or a request. */
  #behind: string
  #behindInside: number
  #data: Buffer = Buffer.alloc(0)
  /** Of the current record. */
  partitionKey = ''
  subSequenceNumber = 0
  /** How many records of aggregates did not belong to the shard. */
  leftOut = 0
  /** Bytes that wait. */
  waitingBytes = 0

  constructor(split: KinesisSplit) {
    this.#from = split.from
    this.#behind = split.sequenceNumber
    this.#behindInside = split.subSequenceNumber
    this.#skipTo = split.sequenceNumber === '' ? undefined : this.position
    const first = BigInt(split.firstHash)
    const last = BigInt(split.lastHash)
    this.#hashes = first === 0n && last === LAST_HASH_KEY ? undefined : { first, last }
  }

  /** Behind what has been handed out. */
  get position(): ShardPosition {
    const [sequenceNumber, subSequenceNumber] = [this.#behind, this.#behindInside]
    return { from: this.#from, sequenceNumber, subSequenceNumber }
  }

  get sequenceNumber(): string {
    return this.#raw.SequenceNumber
  }

  /** Where the current record stands, or what was handed out last. */
  get currentPlace(): ShardPosition {
    if (!this.#isHolding) return this.position
    const subSequenceNumber = this.#aggregate === undefined ? -1 : this.#aggregate.index
    return { from: this.#from, sequenceNumber: this.sequenceNumber, subSequenceNumber }
  }

  get arrival(): number {
    return this.#raw.ApproximateArrivalTimestamp?.getTime() ?? -1
  }

  /** Bytes of the current record. */
  get data(): Buffer {
    return this.#data
  }

  /** Records are there that have not been looked at. */
  get hasWaiting(): boolean {
    return this.#pages.length > 0
  }

  /** Takes what a fetch brought, in order. */
  add(page: readonly RawRecord[]): void {
    if (page.length === 0) return
    const size = page.reduce((sum, { Data }) => sum + Data.length, 0)
    this.#pages.push(page)
    this.#sizes.push(size)
    this.waitingBytes += size
  }

  /** Stands on the next record; false when none waits. It stays the current one until `handed`. */
  next(): boolean {
    if (this.#isHolding) return true
    for (;;) {
      if (this.#aggregate !== undefined) {
        if (this.#nextInside(this.#aggregate)) return this.#hold()
        // What was left out at its end is behind us too.
        this.#moveTo(this.#raw.SequenceNumber, -1)
        this.#aggregate = undefined
      }
      if (!this.#nextRaw()) return false
      if (this.#isBehind(this.#raw)) continue
      const bytes = bufferOf(this.#raw.Data)
      this.#aggregate = Aggregate.of(bytes)
      if (this.#aggregate === undefined) {
        this.partitionKey = this.#raw.PartitionKey
        this.subSequenceNumber = 0
        this.#data = bytes
        return this.#hold()
      }
      // A position inside it is left with its record.
      if (this.#skipTo?.sequenceNumber === this.#raw.SequenceNumber) {
        this.#aggregate.index = this.#skipTo.subSequenceNumber
      }
      this.#skipTo = undefined
    }
  }

  /** The current record has been dealt with. */
  handed(): void {
    const aggregate = this.#aggregate
    const isLast = aggregate === undefined || aggregate.index === aggregate.count - 1
    this.#moveTo(this.#raw.SequenceNumber, isLast ? -1 : aggregate.index)
    this.#isHolding = false
  }

  #hold(): true {
    this.#isHolding = true
    return true
  }

  #moveTo(sequenceNumber: string, subSequenceNumber: number): void {
    this.#behind = sequenceNumber
    this.#behindInside = subSequenceNumber
  }

  #nextRaw(): boolean {
    for (;;) {
      const page = this.#pages[0]
      if (page === undefined) return false
      if (++this.#index < page.length) {
        this.#raw = page[this.#index]!
        return true
      }
      this.#index = -1
      this.#pages.shift()
      this.waitingBytes -= this.#sizes.shift()!
    }
  }

  /** Whether a record was handed out before the restore, as a whole. */
  #isBehind({ SequenceNumber }: RawRecord): boolean {
    const to = this.#skipTo
    if (to === undefined) return false
    const isThere = SequenceNumber === to.sequenceNumber
    if (isThere && to.subSequenceNumber < 0) return true
    if (!isThere && BigInt(SequenceNumber) < BigInt(to.sequenceNumber)) return true
    if (!isThere) this.#skipTo = undefined
    return false
  }

  #nextInside(aggregate: Aggregate): boolean {
    while (aggregate.next()) {
      if (!this.#belongs(aggregate)) {
        this.leftOut++
        continue
      }
      this.partitionKey = aggregate.partitionKey
      this.subSequenceNumber = aggregate.index
      this.#data = aggregate.data
      return true
    }
    return false
  }

  #belongs(aggregate: Aggregate): boolean {
    if (this.#hashes === undefined) return true
    const { explicitHashKey, partitionKey } = aggregate
    const hash = explicitHashKey === undefined ? hashOf(partitionKey) : BigInt(explicitHashKey)
    return hash >= this.#hashes.first && hash <= this.#hashes.last
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
