import { LinkedQueue } from './linked-queue.ts'
import type { PutLimits } from './put-limits.ts'
import type { PutQueue } from './put-queue.ts'
import type { PutRecord } from './put-record.ts'
import { ReadyQueue } from './ready-queue.ts'

/**
 * The records of one key. In the queue as long as it has some, or one of them is on its way.
 *
 * ```
 *   add ─▶ ready ──take──▶ busy ──release──▶ ready, if more of its key wait; else gone
 *                             └───hold────▶ held, with the record in front of the others
 * ```
 */
interface Lane {
  readonly records: LinkedQueue<PutRecord>
  /** The next one in the list of lanes that it stands in. */
  next: Lane | undefined
}

/**
 * Sends one record of a key at a time, so that what is sent again comes behind nothing of its key: a request holds as many keys
 * as records, and a service may take any part of it.
 *
 * Lanes whose first record is due go before others, and each list is in turn, so that none waits for ever.
 */
export class KeyedQueue extends ReadyQueue<Lane> implements PutQueue {
  readonly #lanes: Map<string, Lane> = new Map()

  constructor(limits: PutLimits) {
    super(limits, ({ records }) => records.first!)
  }

  add(record: PutRecord): void {
    this.written(record)
    const key = record.key!
    const known = this.#lanes.get(key)
    if (known !== undefined) {
      known.records.push(record)
      return
    }
    const lane: Lane = { records: new LinkedQueue(), next: undefined }
    lane.records.push(record)
    this.#lanes.set(key, lane)
    this.addItem(lane)
  }

  protected takeRecord({ records }: Lane): PutRecord {
    return records.shift()!
  }

  release({ key }: PutRecord): void {
    const lane = this.#lanes.get(key!)!
    if (lane.records.count === 0) this.#lanes.delete(key!)
    else this.addItem(lane)
  }

  hold(record: PutRecord): void {
    const lane = this.#lanes.get(record.key!)!
    lane.records.unshift(record)
    this.holdItem(lane)
  }
}
