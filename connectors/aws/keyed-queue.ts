import type { PutLimits } from './put-limits.ts'
import type { PutQueue } from './put-queue.ts'
import { type PutRecord, RecordChain } from './put-record.ts'

/**
 * The records of one key. In the queue as long as it has some, or one of them is on its way.
 *
 * ```
 *   add ─▶ ready ──take──▶ busy ──release──▶ ready, if more of its key wait; else gone
 * ```
 */
interface Lane {
  readonly records: RecordChain
  /** The next one in the list of lanes that are ready. */
  next: Lane | undefined
}

/**
 * Sends one record of a key at a time, so that what is sent again comes behind nothing of its key: a request holds as many keys
 * as records, and a service may take any part of it.
 *
 * Lanes whose first record is due go before others, and each list is in turn, so that none waits for ever.
 */
export class KeyedQueue implements PutQueue {
  readonly #limits: PutLimits
  readonly #lanes: Map<string, Lane> = new Map()
  readonly #due = new LaneList()
  readonly #fresh = new LaneList()
  /** Of the first records of lanes that are ready. */
  #readyBytes = 0
  #lastSequence = -1
  #dueUpTo = -1

  constructor(limits: PutLimits) {
    this.#limits = limits
  }

  add(record: PutRecord): void {
    this.#lastSequence = record.sequence
    const key = record.key!
    const known = this.#lanes.get(key)
    if (known !== undefined) {
      known.records.push(record)
      return
    }
    const lane: Lane = { records: new RecordChain(), next: undefined }
    lane.records.push(record)
    this.#lanes.set(key, lane)
    this.#makeReady(lane, record)
  }

  markDue(): void {
    this.#dueUpTo = this.#lastSequence
    this.#due.takeAll(this.#fresh)
  }

  get isDue(): boolean {
    return this.#due.count > 0
  }

  get isFull(): boolean {
    const { records, requestBytes } = this.#limits
    return this.#due.count + this.#fresh.count >= records || this.#readyBytes >= requestBytes
  }

  take(maxRecords: number): PutRecord[] {
    const taken: PutRecord[] = []
    let bytes = 0
    while (taken.length < maxRecords) {
      const list = this.#due.count > 0 ? this.#due : this.#fresh
      const first = list.first?.records.first
      if (first === undefined) break
      if (taken.length > 0 && bytes + first.bytes > this.#limits.requestBytes) break
      bytes += first.bytes
      list.shift()!.records.shift()
      taken.push(first)
    }
    this.#readyBytes -= bytes
    return taken
  }

  release({ key }: PutRecord): void {
    const lane = this.#lanes.get(key!)!
    const { first } = lane.records
    if (first === undefined) this.#lanes.delete(key!)
    else this.#makeReady(lane, first)
  }

  #makeReady(lane: Lane, first: PutRecord): void {
    this.#readyBytes += first.bytes
    const list = first.sequence <= this.#dueUpTo ? this.#due : this.#fresh
    list.push(lane)
  }
}

/** Lanes in a row, linked through them. */
class LaneList {
  first: Lane | undefined
  #last: Lane | undefined
  count = 0

  push(lane: Lane): void {
    lane.next = undefined
    if (this.#last === undefined) this.first = lane
    else this.#last.next = lane
    this.#last = lane
    this.count++
  }

  shift(): Lane | undefined {
    const { first } = this
    if (first === undefined) return undefined
    this.first = first.next
    if (first.next === undefined) this.#last = undefined
    first.next = undefined
    this.count--
    return first
  }

  /** Moves all lanes of another list behind its own. */
  takeAll(other: LaneList): void {
    if (other.first === undefined) return
    if (this.#last === undefined) this.first = other.first
    else this.#last.next = other.first
    this.#last = other.#last
    this.count += other.count
    other.first = undefined
    other.#last = undefined
    other.count = 0
  }
}
