import type { Clock } from '../clock.ts'
import { readKey } from '../key-encoding.ts'
import type { CellTtl } from './cell-ttl.ts'
import { oldestAccessIn, oldestAccessOf } from './entry-age.ts'
import type { ListStore } from './list-store.ts'
import { MapEntryCell, MapKeysCell } from './map-cell.ts'
import type { MapStore } from './map-store.ts'
import { PieceCell } from './row-cell.ts'
import { type EntryKey, keyBound, readEntryKey, readPiece, stateIdIn } from './snapshot-format.ts'
import { SpilledEntries } from './spilled-entries.ts'
import type { KeyGroupRange } from './state-backend.ts'
import type { CellState, StateCell } from './state-cell.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import { SweepSchedule } from './sweep-schedule.ts'

/** Entries between two looks at the clock, in a turn that has no time left, and in any turn. */
const ENTRIES_PER_LOOK = 64
const ENTRIES_WITHOUT_TIME = 256
const ENTRIES_PER_TURN = 16_384
/** What a turn gives to it at most. */
const SLICE_MS = 1
/** After a pass there is none for so many times as long as it took, however short a time to live is. */
const REST = 10
/** The spill gives back the room of what has been removed, which rewrites it, after so many entries, and as many as are left. */
const COMPACT_AFTER = 10_000

/** A state with a time to live. */
export type SweptState = CellState & { readonly ttl: CellTtl }

/** Removes from a cell what has expired by then, and gives a time to what has none. */
export interface CellSweeper {
  sweep(cell: StateCell, now: number): void
}

interface Swept {
  readonly state: SweptState
  readonly sweeper: CellSweeper
  readonly schedule: SweepSchedule
  /** What expiry is judged by in this turn. */
  now: number
}

export interface SweepOptions {
  readonly table: StateTable
  readonly maps: MapStore
  readonly lists: ListStore
  readonly range: KeyGroupRange
  readonly clock: Clock
  /** Whether so much is under way to the spill that nothing may be added (R22). */
  readonly isSuspended: () => boolean
}

/**
 * Removes what has expired though nobody reads it, in passes over the states with a time to live, a little in each turn (R30).
 *
 * ```
 *   resting ──due──▶ memory ──all cells met──▶ landing ──what was evicted is in the spill──▶ spilled ──all pages read──▶ resting
 * ```
 *
 * So an entry that is there throughout a pass is met, wherever it moves meanwhile: what leaves memory before it was met is in
 * the spill when that is read, and what is loaded stays in the spill too. Whether a spilled entry has expired is seen on its
 * bytes; the newest that is known of it decides. What is removed is a deletion like any other, for snapshots and for the
 * spill, and leaves memory at once.
 */
export class Sweep {
  readonly #options: SweepOptions
  readonly #all: Swept[] = []
  /** Those that the pass is about, by their slots. */
  #due: (Swept | undefined)[] = []
  #phase: 'resting' | 'memory' | 'landing' | 'spilled' = 'resting'
  #beganAt = 0
  #restsUntil = -Infinity
  /** Cells below this position of the cache have still to be met; those that come in later are above. */
  #cursor = 0
  #lastWrite = 0
  #spilled: SpilledEntries | undefined
  /** Entries of the spill that were removed since it gave back their room, and those that the pass has left there. */
  #removed = 0
  #left = 0

  constructor(options: SweepOptions) {
    this.#options = options
  }

  add(state: SweptState, sweeper: CellSweeper): void {
    const schedule = new SweepSchedule(state.ttl.durationMs)
    this.#all.push({ state, sweeper, schedule, now: -Infinity })
  }

  /** Goes on for a bounded time, at most until `deadline` but at least a little; true if there is more to do at once. */
  work(deadline: number): boolean {
    const { clock, isSuspended } = this.#options
    const start = clock.elapsed()
    if (this.#phase === 'resting' && !this.#begin(start)) return false
    for (const swept of this.#all) swept.now = swept.state.ttl.time.settled
    const until = Math.min(deadline, start + SLICE_MS)
    for (let entries = 0; entries < ENTRIES_PER_TURN; entries += ENTRIES_PER_LOOK) {
      if (isSuspended() || !this.#goOn(ENTRIES_PER_LOOK)) return false
      if (entries >= ENTRIES_WITHOUT_TIME && clock.elapsed() >= until) break
    }
    return true
  }

  #begin(elapsed: number): boolean {
    if (elapsed < this.#restsUntil) return false
    const due = this.#all.filter(({ state, schedule }) => schedule.isDue(state.ttl.time.settled))
    if (due.length === 0) return false
    this.#due = []
    for (const swept of due) {
      this.#due[swept.state.slot] = swept
      swept.schedule.begin(swept.state.ttl.time.settled)
    }
    this.#beganAt = elapsed
    this.#left = 0
    this.#cursor = this.#options.table.cache.positions
    this.#phase = 'memory'
    return true
  }

  /** False if it has to wait, or the pass has ended. */
  #goOn(count: number): boolean {
    switch (this.#phase) {
      case 'memory':
        this.#meetCells(count)
        return true
      case 'landing':
        return this.#beginSpilled()
      case 'spilled':
        return this.#meetSpilled(count)
      case 'resting':
        return false
    }
  }

  #meetCells(count: number): void {
    const { cache, spill } = this.#options.table
    for (let i = 0; i < count; i++) {
      // Where cells have moved up, some are met again.
      this.#cursor = Math.min(this.#cursor, cache.positions)
      if (this.#cursor === 0) {
        this.#lastWrite = spill?.lastNumber ?? 0
        this.#phase = 'landing'
        return
      }
      const cell = cache.at(--this.#cursor)
      if (cell === undefined) continue
      const swept = this.#due[cell.state.slot]
      if (swept !== undefined && !(cell instanceof MapKeysCell)) this.#meet(swept, cell)
    }
  }

  #beginSpilled(): boolean {
    const { table, range } = this.#options
    const { spill } = table
    if (spill === undefined) {
      this.#end()
      return false
    }
    if (!spill.hasLanded(this.#lastWrite)) return false
    const ids = this.#due.flatMap((swept) => swept?.state.stateId ?? [])
    this.#spilled = new SpilledEntries(
      spill,
      ids.sort((a, b) => a - b),
      range,
    )
    this.#phase = 'spilled'
    return true
  }

  #meetSpilled(count: number): boolean {
    const spilled = this.#spilled!
    for (let i = 0; i < count; i++) {
      const entry = spilled.take()
      if (entry === undefined) {
        if (!spilled.isReading) this.#end()
        return false
      }
      const [key, value] = entry
      const stateId = stateIdIn(key)
      const swept = this.#due.find((one) => one?.state.stateId === stateId)!
      const oldest = oldestAccessIn(value, swept.state)
      if (needsChange(swept, oldest)) this.#meetStored(swept, key)
      else {
        swept.schedule.met(oldest)
        this.#left++
      }
    }
    return true
  }

  /** What is stored asks for something; it may have been used, or have gone, since. */
  #meetStored(swept: Swept, stored: Uint8Array): void {
    const { table } = this.#options
    const { state } = swept
    const entryKey = readEntryKey(stored)
    const { key, keyGroup, namespace } = entryKey
    table.setCurrentKey(key, keyGroup)
    if (namespace !== undefined) table.setNamespace(namespace)
    const cell = this.#find(table.row ?? table.openRow(state), state, entryKey)
    if (cell !== undefined) this.#meet(swept, cell)
    table.clearCurrent()
  }

  #find(row: StateRow, state: CellState, { subKey }: EntryKey): StateCell | undefined {
    const { table, maps, lists } = this.#options
    if (state.kind === 'map') return maps.find(row, state, readKey(subKey))
    if (state.kind === 'list') return lists.find(row, state, readPiece(subKey))
    return table.find(row, state)
  }

  #meet({ state, sweeper, schedule, now }: Swept, cell: StateCell): void {
    let oldest = oldestAccessOf(cell, state)
    if (needsChange({ state, now }, oldest)) {
      sweeper.sweep(cell, now)
      this.#letGo(cell)
      oldest = oldestAccessOf(cell, state)
    }
    schedule.met(oldest)
  }

  /** What is gone need not wait in memory for a snapshot, or for an eviction that may be far away. */
  #letGo(cell: StateCell): void {
    const { table } = this.#options
    if (cell.isGone && cell.isSpilled) this.#removed++
    if (cell.isGone && cell.position >= 0) table.evict(cell)
    if (cell instanceof PieceCell) this.#letGo(cell.last)
    if (!(cell instanceof MapEntryCell)) return
    const { root } = cell.map
    if (root !== undefined && root.isGone && root.position >= 0) table.evict(root)
  }

  #end(): void {
    const elapsed = this.#options.clock.elapsed()
    this.#restsUntil = elapsed + (elapsed - this.#beganAt) * REST
    for (const swept of this.#due) swept?.schedule.end()
    if (this.#removed >= Math.max(COMPACT_AFTER, this.#left)) this.#compact()
    this.#spilled = undefined
    this.#phase = 'resting'
  }

  #compact(): void {
    const { table, range } = this.#options
    this.#removed = 0
    table.spill!.compact({ after: keyBound(range.first, 0), before: keyBound(range.last + 1, 0) })
  }
}

/** Whether something is to be done about an entry of which a part was used last then. */
function needsChange(swept: { state: SweptState; now: number }, oldest: number): boolean {
  return oldest === -Infinity || swept.state.ttl.isExpiredAt(oldest, swept.now)
}
