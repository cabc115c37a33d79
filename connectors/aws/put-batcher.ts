import type { PutLimits } from './put-limits.ts'
import type { PutQueue } from './put-queue.ts'
import type { PutRecord } from './put-record.ts'
import type { PutRefusal } from './put-service.ts'
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

/** A range of keys of which the service has refused a record, and has taken none since. */
export interface RefusedRange {
  readonly range: number
  /** When the first of its records was refused. */
  readonly since: number
  readonly first: PutRefusal
  last: PutRefusal
  /** Records that were refused one after another. */
  failures: number
  /** The one record of it that may go, to see whether the service takes records again. */
  probe: PutRecord | undefined
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
 * window has room.
 *
 * What is refused of a request waits in front of its queue, with all others of its range of keys: after a delay one of them goes, and
 * the others when the service has taken it. So a shard that takes nothing costs a record now and then, and the others go on.
 *
 * ```
 *   open ──refused──▶ rests ──probe()──▶ one is on its way ──taken──▶ open
 *                       ▲────────────refused─────────┘
 * ```
 */
export class PutBatcher {
  readonly #options: PutBatcherOptions
  /** Records written so far, and those of them that the service has taken. */
  #written = 0
  #settled = 0
  #inFlight = 0
  #requests = 0
  #cuts: Cut[] = []
  /** By the number of the range. */
  readonly #refused: Map<number, RefusedRange> = new Map()
  /** Memory of what has not been taken yet. */
  bytes = 0
  /** Records of the job that have not been taken yet. */
  waiting = 0

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
    this.waiting += record.count
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

  /** The next request, where one may go now. It ends with `answer`. */
  take(): readonly PutRecord[] | undefined {
    const { queue, limits, window, maxRequests } = this.#options
    if (this.#requests >= maxRequests || !(queue.isDue || queue.isFull)) return undefined
    const room = Math.min(limits.records, window.limit - this.#inFlight)
    if (room < 1) return undefined
    const records = queue.take(room)
    if (records.length === 0) return undefined
    this.#requests++
    this.#inFlight += records.length
    return records
  }

  /**
   * Tells what became of each record of a request, and returns the ranges that are to rest: after a delay they want `probe`. A range
   * that rests already is not among them.
   */
  answer(
    records: readonly PutRecord[],
    answers: readonly (PutRefusal | undefined)[],
    now: number,
  ): readonly RefusedRange[] {
    this.#requests--
    for (const [i, record] of records.entries()) {
      if (answers[i] === undefined) this.#settle(record)
    }
    const resting = new Set<RefusedRange>()
    for (let i = records.length - 1; i >= 0; i--) {
      const refusal = answers[i]
      if (refusal === undefined) continue
      const range = this.#refuse(records[i]!, refusal, now)
      if (range !== undefined) resting.add(range)
    }
    return [...resting]
  }

  /** Lets one record of each of these ranges go, unless another has been taken meanwhile. */
  probe(ranges: readonly RefusedRange[]): void {
    for (const refused of ranges) {
      const { range } = refused
      if (this.#refused.get(range) !== refused) continue
      const probe = this.#options.queue.probe(range)!
      probe.isProbe = true
      refused.probe = probe
    }
  }

  #settle(record: PutRecord): void {
    this.#settled++
    this.#inFlight--
    this.bytes -= record.bytes + RECORD_OVERHEAD_BYTES
    this.waiting -= record.count
    const { queue } = this.#options
    queue.release(record)
    if (this.#refused.size > 0 && this.#refused.delete(record.range)) queue.open(record.range)
    let isOver = false
    for (const cut of this.#cuts) {
      if (record.sequence < cut.end && --cut.left === 0) isOver = true
    }
    if (!isOver) return
    const over = this.#cuts.filter(({ left }) => left === 0)
    this.#cuts = this.#cuts.filter(({ left }) => left > 0)
    for (const cut of over) cut.done()
  }

  /** Returns its range where that is to rest now. */
  #refuse(record: PutRecord, refusal: PutRefusal, now: number): RefusedRange | undefined {
    this.#inFlight--
    record.isProbe = false
    this.#options.queue.hold(record)
    const { range } = record
    const known = this.#refused.get(range)
    if (known === undefined) {
      const refused: RefusedRange = {
        range,
        since: now,
        first: refusal,
        last: refusal,
        failures: 1,
        probe: undefined,
      }
      this.#refused.set(range, refused)
      return refused
    }
    known.last = refusal
    // Others were sent before the range was refused, and say nothing new.
    if (known.probe !== record) return undefined
    known.probe = undefined
    known.failures++
    return known
  }
}
