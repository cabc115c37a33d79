import { StreamError } from '../errors.ts'
import type { TimerRoom } from './far-timers.ts'
import type { KeyGroupRange, TimeDomain, TimerQueue } from './state-backend.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import { TimerDomain } from './timer-domain.ts'

/**
 * The timers of one operator: in memory, ordered by a heap for each time domain, as long as they fit into the budget; with a store
 * those that are far off leave for it, and are read back before they are due.
 *
 * Register, delete and pop cost O(log timers); a timer takes about 250 bytes in memory, with its key if nothing else keeps that.
 */
export class HeapTimerQueue implements TimerQueue {
  readonly #table: StateTable
  readonly #uid: string
  readonly #event: TimerDomain
  readonly #processing: TimerDomain

  constructor(options: {
    readonly table: StateTable
    readonly uid: string
    readonly eventStateId: number
    readonly processingStateId: number
    /** The slot of event-time timers in every row; processing-time timers have the next. */
    readonly slot: number
    readonly range: KeyGroupRange
    readonly room: TimerRoom
  }) {
    const { table, slot, range, room } = options
    this.#table = table
    this.#uid = options.uid
    this.#event = new TimerDomain({ table, stateId: options.eventStateId, slot, range, room })
    this.#processing = new TimerDomain({
      table,
      stateId: options.processingStateId,
      slot: slot + 1,
      range,
      room,
    })
  }

  register(domain: TimeDomain, timestamp: number): void {
    this.#check(timestamp)
    const table = this.#table
    this.#of(domain).register(table.row ?? table.openRow(), timestamp)
  }

  delete(domain: TimeDomain, timestamp: number): void {
    this.#check(timestamp)
    const table = this.#table
    this.#of(domain).delete(table.row ?? table.openRow(), timestamp)
  }

  earliest(domain: TimeDomain): number {
    return this.#of(domain).earliest
  }

  pop(domain: TimeDomain, upTo: number): number | undefined {
    const timer = this.#of(domain).pop(upTo)
    if (timer === undefined) return undefined
    this.#table.enter(timer.row)
    return timer.timestamp
  }

  isWaiting(domain: TimeDomain): boolean {
    return this.#of(domain).isWaiting
  }

  count(domain: TimeDomain): number {
    return this.#of(domain).count
  }

  /** Takes a timer from a checkpoint. */
  restore(domain: TimeDomain, row: StateRow, timestamp: number, asChange: boolean): void {
    this.#of(domain).restore(row, timestamp, asChange)
  }

  /** Timers in memory, of both domains. */
  get inMemory(): number {
    return this.#event.inMemory + this.#processing.inMemory
  }

  /** To be called before `evictLate` is called for the first time after anything else. */
  beginLate(): void {
    this.#event.beginLate()
    this.#processing.beginLate()
  }

  /** Moves a timer that is far off out of memory, of the domain that has more. */
  evictLate(): void {
    const [event, processing] = [this.#event, this.#processing]
    const fuller = processing.inMemory > event.inMemory ? processing : event
    fuller.evictLate()
  }

  #of(domain: TimeDomain): TimerDomain {
    return domain === 'event' ? this.#event : this.#processing
  }

  #check(timestamp: number): void {
    if (Number.isInteger(timestamp) || timestamp === Infinity || timestamp === -Infinity) return
    const shown =
      typeof timestamp === 'number' ? timestamp : `${typeof timestamp} ${String(timestamp)}`
    throw new StreamError(
      'MR_TIMER_INVALID',
      `Operator "${this.#uid}": a timer was registered or deleted for ${shown}; it has no place in time; give an integer of milliseconds since the epoch, or ±Infinity.`,
      { uid: this.#uid, timestamp: shown },
    )
  }
}
