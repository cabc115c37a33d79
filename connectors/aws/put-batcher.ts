import type { PutLimits } from './put-limits.ts'
import type { PutQueue } from './put-queue.ts'
import type { PutRecord } from './put-record.ts'
import type { RecordWindow } from './record-window.ts'

/** What a record costs in memory beside its bytes, about. */
const RECORD_OVERHEAD_BYTES = 100

/** A moment: what was written before it is waited for. */
interface Cut {
  /** Records before this one belong to it. */
  readonly end: number
  left: number
  readonly done: () => void
}

export interface PutBatcherOptions {
  readonly queue: PutQueue
  readonly limits: PutLimits
  readonly window: RecordWindow
  readonly maxRequests: number
}

/**
 * Decides what goes into which request, when, and when all before a cut has been written. Pure.
 *
 * A request goes out when it is full, or has records that are due, as long as fewer than `maxRequests` are on their way and the
 * window has room. A request may be on its way for long, as what it has failed with is sent again; others pass it.
 */
export class PutBatcher {
  readonly #options: PutBatcherOptions
  /** Records written so far, and those of them that the service has taken. */
  #written = 0
  #settled = 0
  #inFlight = 0
  #requests = 0
  #cuts: Cut[] = []
  /** Memory of what has not been taken yet. */
  bytes = 0

  constructor(options: PutBatcherOptions) {
    this.#options = options
  }

  /** Records that the service has not taken yet. */
  get unsettled(): number {
    return this.#written - this.#settled
  }

  add(record: PutRecord): void {
    record.sequence = this.#written++
    this.bytes += record.bytes + RECORD_OVERHEAD_BYTES
    this.#options.queue.add(record)
  }

  /** What waits by now goes out as soon as it may. */
  flush(): void {
    this.#options.queue.markDue()
  }

  /** Flushes; `done` is called when all that was written before is taken, at once where it is already. */
  cut(done: () => void): void {
    this.flush()
    const left = this.unsettled
    if (left === 0) done()
    else this.#cuts.push({ end: this.#written, left, done })
  }

  /** The next request, where one may go now. It ends with `finish`. */
  take(): readonly PutRecord[] | undefined {
    const { queue, limits, window, maxRequests } = this.#options
    if (this.#requests >= maxRequests || !(queue.isDue || queue.isFull)) return undefined
    const room = Math.min(limits.records, window.limit - this.#inFlight)
    if (room < 1) return undefined
    const records = queue.take(room)
    this.#requests++
    this.#inFlight += records.length
    return records
  }

  /** Tells that the service has taken a record. */
  settle(record: PutRecord): void {
    this.#settled++
    this.#inFlight--
    this.bytes -= record.bytes + RECORD_OVERHEAD_BYTES
    this.#options.queue.release(record)
    let isOver = false
    for (const cut of this.#cuts) {
      if (record.sequence < cut.end && --cut.left === 0) isOver = true
    }
    if (!isOver) return
    const over = this.#cuts.filter(({ left }) => left === 0)
    this.#cuts = this.#cuts.filter(({ left }) => left > 0)
    for (const cut of over) cut.done()
  }

  /** Tells that all records of a request are settled. */
  finish(): void {
    this.#requests--
  }
}
