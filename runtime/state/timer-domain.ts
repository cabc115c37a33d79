import { Change } from './change.ts'
import type { EntryRun } from './entry-run.ts'
import { FarTimers, type TimerRoom } from './far-timers.ts'
import { RowTimers } from './row-timers.ts'
import { type EntryOwner, writeNoValue, writeTimerKey } from './snapshot-format.ts'
import type { KeyGroupRange } from './state-backend.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import { type HeapItem, TimerHeap } from './timer-heap.ts'

/** One timer, waiting in the heap of its domain, or gone but with its end still to be told to a snapshot. */
export class Timer extends Change implements HeapItem {
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

  override get keyGroup(): number {
    return this.row.keyGroup
  }

  /** Whether the store has it too. */
  get isStored(): boolean {
    return false
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

/** A class of its own, not a field: most timers are never stored. */
class StoredTimer extends Timer {
  override get isStored(): boolean {
    return true
  }
}

/** What stands in a row's slot of the domain: its one timer, or several. */
type Held = Timer | RowTimers<Timer>

/**
 * The timers of one operator in one time domain: a heap by timestamp, and sets by key and namespace; those that are far off may
 * be in the store only, once some have left memory.
 */
export class TimerDomain {
  readonly stateId: number
  readonly #slot: number
  readonly #table: StateTable
  readonly #range: KeyGroupRange
  readonly #room: TimerRoom
  readonly #heap: TimerHeap<Timer> = new TimerHeap()
  /** Once a timer has left memory. */
  #far: FarTimers | undefined

  constructor(options: {
    readonly table: StateTable
    readonly stateId: number
    readonly slot: number
    readonly range: KeyGroupRange
    readonly room: TimerRoom
  }) {
    this.#table = options.table
    this.stateId = options.stateId
    this.#slot = options.slot
    this.#range = options.range
    this.#room = options.room
  }

  get inMemory(): number {
    return this.#heap.count
  }

  get count(): number {
    return this.#heap.count + (this.#far?.count ?? 0)
  }

  get earliest(): number {
    const { earliest } = this.#heap
    return this.#far === undefined ? earliest : Math.min(earliest, this.#far.earliest)
  }

  /** The earliest timer may be one that is not in memory. */
  get #isBehind(): boolean {
    const far = this.#far
    if (far === undefined || far.isEmpty) return false
    return this.#heap.count === 0 || this.#heap.earliest > far.earliest
  }

  get isWaiting(): boolean {
    return this.#isBehind && this.#far!.isReading
  }

  register(row: StateRow, timestamp: number): void {
    let timer = this.#find(row, timestamp)
    if (timer !== undefined && timer.position >= 0) return
    if (this.#far?.isFar(row, timestamp) === true) {
      if (timer !== undefined) this.#tellEnd(timer)
      this.#far.put(row, timestamp, true)
      return
    }
    timer ??= this.#add(new Timer(this, row, timestamp))
    const { changes } = this.#table
    if (timer.stamp !== changes.interval) changes.touch(timer, false)
    this.#heap.add(timer)
  }

  restore(row: StateRow, timestamp: number, asChange: boolean): void {
    if (this.#far?.isFar(row, timestamp) === true) {
      this.#far.put(row, timestamp, asChange)
      return
    }
    const timer = this.#add(new Timer(this, row, timestamp))
    if (asChange) this.#table.changes.touch(timer, false)
    this.#heap.add(timer)
  }

  delete(row: StateRow, timestamp: number): void {
    const timer = this.#find(row, timestamp)
    if (timer !== undefined) {
      if (timer.position >= 0) this.#end(timer)
    } else if (this.#far?.isFar(row, timestamp) === true) this.#far.delete(row, timestamp)
  }

  pop(upTo: number): Timer | undefined {
    if (this.#far !== undefined && this.#mustWait(this.#far, upTo)) return undefined
    const { first } = this.#heap
    if (first === undefined || first.timestamp > upTo) return undefined
    this.#end(first)
    return first
  }

  /** Whether the next timer up to `upTo` is not in memory; what follows is read, also before it is waited for. */
  #mustWait(far: FarTimers, upTo: number): boolean {
    if (far.isEmpty || far.earliest > upTo) return false
    const isBehind = this.#isBehind
    const { room } = this.#room
    if (isBehind || this.#heap.count < room / 2) far.refill(upTo, room)
    return isBehind
  }

  // --- Out of memory and back ---

  /** To be called before `evictLate` is called for the first time after anything else. */
  beginLate(): void {
    this.#heap.beginLate()
  }

  /** Moves a timer that is far off out of memory; encoded first for the snapshot that it waits for (R25). */
  evictLate(): void {
    const timer = this.#heap.late
    if (timer === undefined) return
    const { row, timestamp, isStored } = timer
    if (timer.stamp !== 0) this.#table.changes.encodeEarly(timer)
    this.#heap.remove(timer)
    this.#far ??= this.#newFar()
    this.#far.evict(row, timestamp, isStored)
    this.forget(timer)
  }

  #newFar(): FarTimers {
    const { spill, changes } = this.#table
    return new FarTimers({
      stateId: this.stateId,
      range: this.#range,
      spill: spill!,
      changes,
      load: (owner, timestamp) => this.#load(owner, timestamp),
    })
  }

  #load(owner: EntryOwner, timestamp: number): boolean {
    const row = this.#table.rowOf(owner)
    if (this.#find(row, timestamp) !== undefined) return false
    this.#heap.add(this.#add(new StoredTimer(this, row, timestamp)))
    return true
  }

  // --- Timers of a row ---

  /** The end of a timer needs to be known no more. */
  forget(timer: Timer): void {
    const { row } = timer
    const held = row.slot(this.#slot) as Held
    if (held !== timer && !(held as RowTimers<Timer>).remove(timer)) return
    row.setSlot(this.#slot, undefined)
    this.#table.rows.release(row)
  }

  #add(timer: Timer): Timer {
    const { row } = timer
    const held = row.slot(this.#slot) as Held | undefined
    if (held === undefined) {
      row.setSlot(this.#slot, timer)
      this.#table.rows.use(row)
    } else if (held instanceof Timer) {
      row.setSlot(this.#slot, new RowTimers(held, timer))
    } else held.add(timer)
    return timer
  }

  #find(row: StateRow, timestamp: number): Timer | undefined {
    const held = row.slot(this.#slot) as Held | undefined
    if (held === undefined) return undefined
    if (held instanceof Timer) return held.timestamp === timestamp ? held : undefined
    return held.find(timestamp)
  }

  #end(timer: Timer): void {
    const { changes } = this.#table
    if (timer.stamp !== changes.interval) changes.touch(timer, true)
    this.#heap.remove(timer)
    if (timer.isStored) this.#far!.drop(timer.row, timer.timestamp)
    if (!timer.existed) {
      changes.leave(timer)
      this.forget(timer)
    } else if (this.#far !== undefined) this.#tellEnd(timer)
  }

  /** Tells the snapshot of a timer's end at once: where memory is short it need not be kept for that. */
  #tellEnd(timer: Timer): void {
    this.#table.changes.encodeEarly(timer)
    this.forget(timer)
  }
}
