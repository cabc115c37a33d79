import { type Linked, LinkedQueue } from './linked-queue.ts'
import type { PutLimits } from './put-limits.ts'
import type { PutRecord } from './put-record.ts'

/** What waits of a range that is held. */
interface Held<T extends Linked<T>> {
  readonly items: LinkedQueue<T>
  bytes: number
}

/**
 * What may be sent, in turn: records, or lanes of which the first record counts. Pure.
 *
 * ```
 *   add ──▶ fresh ──markDue──▶ due ──▶ take
 *              └── its range is held ──▶ held ──probe, open──▶ before what is due
 * ```
 *
 * What is due goes before the rest. Of a range that is held, nothing goes but probes. What stands in the lists of such a range is
 * moved aside when its turn comes, once: so holding a range costs nothing.
 */
export abstract class ReadyQueue<T extends Linked<T>> {
  readonly #limits: PutLimits
  readonly #recordOf: (item: T) => PutRecord
  readonly #probes = new LinkedQueue<T>()
  readonly #due = new LinkedQueue<T>()
  readonly #fresh = new LinkedQueue<T>()
  readonly #held: Map<number, Held<T>> = new Map()
  /** Of all but what is held. */
  #bytes = 0
  #lastSequence = -1
  #dueUpTo = -1

  constructor(limits: PutLimits, recordOf: (item: T) => PutRecord) {
    this.#limits = limits
    this.#recordOf = recordOf
  }

  /** Tells that a record was written, whether it may be sent or not. */
  protected written({ sequence }: PutRecord): void {
    this.#lastSequence = sequence
  }

  protected addItem(item: T): void {
    const { sequence, bytes } = this.#recordOf(item)
    this.#bytes += bytes
    const list = sequence <= this.#dueUpTo ? this.#due : this.#fresh
    list.push(item)
  }

  markDue(): void {
    this.#dueUpTo = this.#lastSequence
    this.#due.append(this.#fresh)
  }

  get isDue(): boolean {
    return this.#probes.count + this.#due.count > 0
  }

  get isFull(): boolean {
    const { records, requestBytes } = this.#limits
    const count = this.#probes.count + this.#due.count + this.#fresh.count
    return count >= records || this.#bytes >= requestBytes
  }

  /** Takes what goes into one request, at most so many records. */
  take(maxRecords: number): PutRecord[] {
    const taken: PutRecord[] = []
    let bytes = 0
    while (taken.length < maxRecords) {
      const item = this.#next(bytes)
      if (item === undefined) break
      const record = this.takeRecord(item)
      bytes += record.bytes
      taken.push(record)
    }
    return taken
  }

  /** The record of an item that goes. */
  protected abstract takeRecord(item: T): PutRecord

  /** Takes the next for a request that has so many bytes; undefined where none may go, or it does not fit. */
  #next(requestBytes: number): T | undefined {
    for (;;) {
      const list = this.#firstList()
      const item = list.first
      if (item === undefined) return undefined
      const record = this.#recordOf(item)
      if (list !== this.#probes && this.#moveAside(list, record)) continue
      const { bytes } = record
      if (requestBytes > 0 && requestBytes + bytes > this.#limits.requestBytes) return undefined
      this.#bytes -= bytes
      return list.shift()
    }
  }

  /** Takes back what was sent and refused, and holds its range. Of several the last comes first. */
  protected holdItem(item: T): void {
    const { range, bytes } = this.#recordOf(item)
    let held = this.#held.get(range)
    if (held === undefined) {
      held = { items: new LinkedQueue(), bytes: 0 }
      this.#held.set(range, held)
    }
    held.items.unshift(item)
    held.bytes += bytes
  }

  /** Lets the first of a range that is held go, which it returns. */
  probe(range: number): PutRecord | undefined {
    const held = this.#held.get(range)
    const item = held?.items.shift()
    if (item === undefined) return undefined
    const record = this.#recordOf(item)
    held!.bytes -= record.bytes
    this.#bytes += record.bytes
    this.#probes.push(item)
    return record
  }

  /** Lets all of a range go, before others. */
  open(range: number): void {
    const held = this.#held.get(range)
    if (held === undefined) return
    this.#held.delete(range)
    this.#bytes += held.bytes
    this.#due.prepend(held.items)
  }

  #firstList(): LinkedQueue<T> {
    if (this.#probes.count > 0) return this.#probes
    return this.#due.count > 0 ? this.#due : this.#fresh
  }

  #moveAside(list: LinkedQueue<T>, record: PutRecord): boolean {
    if (this.#held.size === 0) return false
    const held = this.#held.get(record.range)
    if (held === undefined) return false
    this.#bytes -= record.bytes
    held.bytes += record.bytes
    held.items.push(list.shift()!)
    return true
  }
}
