import { StreamError } from '../errors.ts'
import { Change } from './change-log.ts'
import type { EntryRun } from './entry-run.ts'
import { writeNoValue, writeTimerKey } from './snapshot-format.ts'
import type { TimeDomain, TimerQueue } from './state-backend.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import { type HeapItem, TimerHeap } from './timer-heap.ts'

/** What a timer takes in memory, with its share of heap and row. */
export const TIMER_BYTES = 250
/** Timers of one key up to this number are searched one by one. */
const FEW = 16

/** One timer, waiting in the heap of its domain, or gone but with its end still to be told to a snapshot. */
class Timer extends Change implements HeapItem {
  readonly domain: TimerDomain
  readonly row: StateRow
  readonly timestamp: number
  /** Its place in the heap, -1 when it is gone. */
  position = -1

  constructor(domain: TimerDomain, row: StateRow, timestamp: number) {
    super()
    this.domain = domain
    this.row = row
    this.timestamp = timestamp
  }

  override encode(run: EntryRun): void {
    const isLive = this.position >= 0
    if (!isLive && !this.existed) return
    run.beginEntry(isLive ? 'put' : 'delete')
    writeTimerKey(run.writer, this.row, this.domain.stateId, this.timestamp)
    run.beginValue()
    if (isLive) writeNoValue(run.writer)
  }

  override settle(): void {
    if (this.position < 0) this.domain.forget(this)
  }
}

/** What stands in a row's slot of the domain: its one timer, or several. */
type Held = Timer | RowTimers

/** Several timers of one key and namespace, by timestamp. */
class RowTimers {
  readonly #few: Timer[]
  #many: Map<number, Timer> | undefined

  constructor(first: Timer, second: Timer) {
    this.#few = [first, second]
  }

  find(timestamp: number): Timer | undefined {
    if (this.#many !== undefined) return this.#many.get(timestamp)
    for (const timer of this.#few) if (timer.timestamp === timestamp) return timer
    return undefined
  }

  add(timer: Timer): void {
    if (this.#many === undefined && this.#few.length < FEW) {
      this.#few.push(timer)
      return
    }
    this.#many ??= new Map(this.#few.map((other) => [other.timestamp, other]))
    this.#few.length = 0
    this.#many.set(timer.timestamp, timer)
  }

  /** Returns true when none is left. */
  remove(timer: Timer): boolean {
    if (this.#many !== undefined) {
      this.#many.delete(timer.timestamp)
      return this.#many.size === 0
    }
    const index = this.#few.indexOf(timer)
    const last = this.#few.pop()!
    if (last !== timer) this.#few[index] = last
    return this.#few.length === 0
  }
}

/** The timers of one operator in one time domain: a heap by timestamp, and sets by key and namespace. */
class TimerDomain {
  readonly stateId: number
  readonly slot: number
  readonly #table: StateTable
  readonly #heap: TimerHeap<Timer> = new TimerHeap()

  constructor(table: StateTable, stateId: number, slot: number) {
    this.#table = table
    this.stateId = stateId
    this.slot = slot
  }

  get count(): number {
    return this.#heap.count
  }

  get earliest(): number {
    return this.#heap.earliest
  }

  register(row: StateRow, timestamp: number): void {
    let timer = this.#find(row, timestamp)
    if (timer === undefined) timer = this.#add(row, timestamp)
    else if (timer.position >= 0) return
    const { changes } = this.#table
    if (timer.stamp !== changes.interval) changes.touch(timer, false)
    this.#heap.add(timer)
  }

  restore(row: StateRow, timestamp: number, asChange: boolean): void {
    const timer = this.#add(row, timestamp)
    if (asChange) this.#table.changes.touch(timer, false)
    this.#heap.add(timer)
  }

  delete(row: StateRow, timestamp: number): void {
    const timer = this.#find(row, timestamp)
    if (timer !== undefined && timer.position >= 0) this.#end(timer)
  }

  pop(upTo: number): Timer | undefined {
    const { first } = this.#heap
    if (first === undefined || first.timestamp > upTo) return undefined
    this.#end(first)
    return first
  }

  /** The end of a timer needs to be known no more. */
  forget(timer: Timer): void {
    const { row } = timer
    const held = row.slots[this.slot] as Held
    if (held !== timer && !(held as RowTimers).remove(timer)) return
    row.slots[this.slot] = undefined
    this.#table.rows.release(row)
  }

  #add(row: StateRow, timestamp: number): Timer {
    const timer = new Timer(this, row, timestamp)
    const held = row.slots[this.slot] as Held | undefined
    if (held === undefined) {
      row.slots[this.slot] = timer
      this.#table.rows.use(row)
    } else if (held instanceof Timer) {
      row.slots[this.slot] = new RowTimers(held, timer)
    } else held.add(timer)
    return timer
  }

  #find(row: StateRow, timestamp: number): Timer | undefined {
    const held = row.slots[this.slot] as Held | undefined
    if (held === undefined) return undefined
    if (held instanceof Timer) return held.timestamp === timestamp ? held : undefined
    return held.find(timestamp)
  }

  #end(timer: Timer): void {
    const { changes } = this.#table
    if (timer.stamp !== changes.interval) changes.touch(timer, true)
    this.#heap.remove(timer)
    if (timer.existed) return
    changes.leave(timer)
    this.forget(timer)
  }
}

/**
 * The timers of one operator: in memory, ordered by a heap for each time domain.
 *
 * Register, delete and pop cost O(log timers); a timer takes about 250 bytes, with its key if nothing else keeps that.
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
  }) {
    const { table, slot } = options
    this.#table = table
    this.#uid = options.uid
    this.#event = new TimerDomain(table, options.eventStateId, slot)
    this.#processing = new TimerDomain(table, options.processingStateId, slot + 1)
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

  count(domain: TimeDomain): number {
    return this.#of(domain).count
  }

  /** Takes a timer from a checkpoint. */
  restore(domain: TimeDomain, row: StateRow, timestamp: number, asChange: boolean): void {
    this.#of(domain).restore(row, timestamp, asChange)
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
