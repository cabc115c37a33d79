import { ByteWriter } from '../bytes.ts'
import { freezeAlike } from '../deep-freeze.ts'
import { canonicalKey } from '../key-encoding.ts'
import { keyGroupOf } from '../key-group.ts'
import type { CanonicalKey, Key } from '../key.ts'
import { checkValue } from '../value-check.ts'
import type { BaseLevel } from './base-level.ts'
import { CellCache } from './cell-cache.ts'
import { ChangeLog } from './change-log.ts'
import type { EntryRun } from './entry-run.ts'
import { Loans } from './loans.ts'
import { RowCell } from './row-cell.ts'
import type { RunStore } from './run-store.ts'
import { estimateSize } from './size-estimate.ts'
import type { EntryOwner } from './snapshot-format.ts'
import { NO_VALUE, type Spill } from './spill.ts'
import { ABSENT, type CellHost, type CellState, EVICTED, type StateCell } from './state-cell.ts'
import type { KeyGroupRange } from './state-backend.ts'
import { keyElsewhere, outsideCallback, stateClosed } from './state-errors.ts'
import { RowTable, StateRow } from './state-row.ts'
import type { StrictCheck } from './strict-check.ts'

/** What a cell and a row take in memory besides the value. */
export const CELL_BYTES = 118
export const ROW_BYTES = 164
/** What a value takes decoded, for a byte encoded. */
const DECODED_PER_BYTE = 2
/** Every so many updates of a state one value is measured, and of these one in so many checked; the first few all are. */
const SAMPLE_EVERY = 32
const CHECK_EVERY = 8
const FIRST_SAMPLES = 64

/**
 * The keyed state that is in memory: rows by key and namespace, their cells, which key is current, and how a cell is
 * read, changed, evicted and loaded.
 *
 * What both backends share; a spill, where there is one, holds what is not in memory. Reading and changing a cell that is
 * in memory costs no look-up and no allocation.
 */
export class StateTable implements CellHost {
  readonly rows: RowTable = new RowTable()
  readonly cache: CellCache = new CellCache()
  readonly changes: ChangeLog
  readonly loans: Loans = new Loans()
  readonly spill: Spill | undefined
  readonly strict: StrictCheck | undefined
  /** What was restored and is not loaded yet; undefined once all of it is. */
  base: BaseLevel | undefined
  /** The slots of a row: one for each state, two for each set of timers. */
  #slots = 0
  /** Cells with a value; for spilled state that was changed without having been read an estimate. */
  valueCount = 0
  /** The row of the current key and namespace; undefined outside callbacks, and while nothing of it is in memory. */
  row: StateRow | undefined
  /** Tells callbacks apart. */
  callback = 0
  /** Evicts something if far too much is in memory; not while a cell is in hand. */
  readonly makeRoom: () => void
  readonly #maxParallelism: number
  readonly #range: KeyGroupRange
  readonly #scratch: ByteWriter = new ByteWriter()
  #isOpen = false
  #isClosed = false
  #key: Key = ''
  #keyGroup: number | undefined = 0
  /** Of the record held back that is being emitted, whose key is out of reach. */
  #heldKeyGroup: number | undefined
  #canonical: CanonicalKey = ''
  #namespace: Key | undefined
  #defaultRow: StateRow | undefined

  constructor(options: {
    readonly spill: Spill | undefined
    /** Where changes go that are too many for memory; default: nowhere. */
    readonly runStore?: RunStore | undefined
    readonly strict: StrictCheck | undefined
    readonly makeRoom: () => void
    readonly maxParallelism: number
    /** The key groups of the subtask: state of any other is refused. */
    readonly range: KeyGroupRange
  }) {
    this.#maxParallelism = options.maxParallelism
    this.#range = options.range
    this.spill = options.spill
    const { runStore, range } = options
    this.changes = new ChangeLog({ store: runStore, keyGroups: range.last - range.first + 1 })
    this.strict = options.strict
    this.makeRoom = options.makeRoom
  }

  // --- The current key ---

  /** Without a key group it is computed once it is needed: for a key of which nothing is in memory. */
  setCurrentKey(key: Key, keyGroup: number | undefined): void {
    if (this.strict !== undefined) this.endCallback()
    const canonical = canonicalKey(key)
    const row = this.rows.find(canonical)
    if (row === undefined) this.makeRoom()
    this.#key = key
    this.#keyGroup = keyGroup
    this.#canonical = canonical
    this.#namespace = undefined
    this.#defaultRow = row
    this.#isOpen = true
    this.row = row
    this.callback++
    this.loans.clear()
  }

  /** Makes the key and namespace of a row current. */
  enter(row: StateRow): void {
    if (this.strict !== undefined) this.endCallback()
    const top = row.parent ?? row
    this.#key = row.key
    this.#keyGroup = row.keyGroup
    this.#canonical = top.canonical
    this.#namespace = row.namespace
    this.#defaultRow = top
    this.#isOpen = true
    this.row = row
    this.callback++
    this.loans.clear()
  }

  setNamespace(namespace: Key | undefined): void {
    this.#mustBeOpen()
    if (namespace === this.#namespace) return
    this.#namespace = namespace
    this.row =
      namespace === undefined ? this.#defaultRow : this.#defaultRow?.within(canonicalKey(namespace))
  }

  /** The callback has ended. In strict mode what it did is checked (R16). */
  clearCurrent(): void {
    this.row = undefined
    this.#isOpen = false
    this.#heldKeyGroup = undefined
    this.cache.endCallback()
    this.endCallback()
  }

  /** What follows comes of a record of that key group that has been held back; its state is out of reach. */
  beginHeld(keyGroup: number | undefined): void {
    this.clearCurrent()
    this.#heldKeyGroup = keyGroup
  }

  /** Of the key that is current, or of the record held back. */
  get currentKeyGroup(): number | undefined {
    if (!this.#isOpen) return this.#heldKeyGroup
    this.#keyGroup ??= keyGroupOf(this.#key, this.#maxParallelism)
    return this.#keyGroup
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get currentKey(): Key {
    this.#mustBeOpen()
    return this.#key === 0 ? 0 : this.#key
  }

  get currentNamespace(): Key | undefined {
    this.#mustBeOpen()
    return this.#namespace
  }

  /**
   * The current row where `row` is undefined: a new one, which enters the table with its first cell.
   * `state` is what it is opened for, for messages.
   */
  openRow(state?: CellState): StateRow {
    this.#mustBeOpen(state)
    const key = this.#key
    const namespace = this.#namespace
    let top = this.#defaultRow
    if (top === undefined) {
      const keyGroup = this.currentKeyGroup!
      const { first, last } = this.#range
      if (keyGroup < first || keyGroup > last) throw keyElsewhere(key, keyGroup, this.#range)
      top = new StateRow(key, keyGroup, this.#canonical, undefined, undefined)
      this.#defaultRow = top
    }
    if (namespace !== undefined) {
      const { keyGroup } = top
      const canonical = canonicalKey(namespace)
      this.row = new StateRow(key, keyGroup, canonical, top, namespace)
    } else this.row = top
    return this.row
  }

  /** The row of an owner that is not current; a new one is in no table yet. */
  rowOf({ key, keyGroup, namespace }: EntryOwner): StateRow {
    const canonical = canonicalKey(key)
    const top =
      this.rows.find(canonical) ?? new StateRow(key, keyGroup, canonical, undefined, undefined)
    if (namespace === undefined) return top
    const within = canonicalKey(namespace)
    return top.within(within) ?? new StateRow(key, keyGroup, within, top, namespace)
  }

  /** Takes so many slots more of every row; returns the first of them. */
  addSlots(count: number): number {
    const slot = this.#slots
    this.#slots += count
    return slot
  }

  /**
   * In strict mode: checks what the callback left behind, and keeps it encoded only, so that nobody shares it (R16). What is
   * part of a record too, so that changing it would change the record, is kept as a frozen copy.
   */
  endCallback(): void {
    if (this.strict === undefined) return
    for (const cell of this.strict.end()) {
      const { value } = cell
      if (cell.position < 0 || value === ABSENT || value === EVICTED) continue
      this.pack(cell)
      const copy = cell.decode(cell.encoded!)
      if (freezeAlike(value, copy)) cell.value = copy
    }
  }

  #mustBeOpen(state?: CellState): void {
    if (this.#isClosed) throw stateClosed()
    if (!this.#isOpen) throw outsideCallback(state)
  }

  // --- Cells of values and lists ---

  /** The cell of a value or list, perhaps evicted or absent; undefined if there is certainly no value. */
  find(row: StateRow, state: CellState): RowCell | undefined {
    const cell = row.slot(state.slot) as RowCell | undefined
    if (cell !== undefined || this.#isAllInMemory) return cell
    const evicted = new RowCell(row, state)
    if (!this.mightBeSpilled(evicted)) return undefined
    this.#attachEvicted(evicted)
    return evicted
  }

  /** As `find`, but makes a cell where there is none. */
  obtain(row: StateRow, state: CellState): RowCell {
    const found = this.find(row, state)
    if (found !== undefined) return found
    const cell = new RowCell(row, state)
    row.setSlot(state.slot, cell)
    this.attach(cell, true)
    return cell
  }

  #attachEvicted(cell: RowCell): void {
    cell.value = EVICTED
    cell.isSpilled = true
    cell.row.setSlot(cell.state.slot, cell)
    this.attach(cell, true)
  }

  get #isAllInMemory(): boolean {
    return this.base === undefined && (this.spill === undefined || this.spill.isEmpty)
  }

  /** Whether the spill, or the restored base, may have a value for a cell that is not in memory yet. */
  mightBeSpilled(cell: StateCell): boolean {
    if (this.#isAllInMemory) return false
    const scratch = this.#scratch
    scratch.length = 0
    cell.writeKey(scratch)
    const { bytes, length } = scratch
    const { base } = this
    if (base === undefined || !base.covers(cell.row.keyGroup)) {
      return this.spill!.mightHold(bytes, length)
    }
    // What is being loaded is in the base as well.
    if (this.spill!.mightHaveWritten(bytes, length)) return true
    return base.mightHold(cell, bytes.subarray(0, length))
  }

  // --- Any cell ---

  /** A cell has been put into its place; `isFirst` if it is the first in its slot of the row. */
  attach(cell: StateCell, isFirst: boolean): void {
    if (isFirst) this.rows.use(cell.row)
    this.cache.add(cell, CELL_BYTES)
  }

  /** A cell leaves memory. */
  detach(cell: StateCell): void {
    this.cache.remove(cell)
    if (cell.detach()) this.rows.release(cell.row)
  }

  /** The value of a cell, or `ABSENT`; it is about to be seen by user code. */
  read(cell: StateCell): unknown {
    const value = this.peek(cell)
    if (typeof value === 'object' && value !== null) {
      this.loans.lend(value, cell)
      if (this.strict !== undefined) this.strict.lent(cell)
    }
    return value
  }

  /** As `read`, for a value that does not reach user code as it is. */
  peek(cell: StateCell): unknown {
    const { stamp } = cell
    if (stamp !== 0 && stamp !== this.changes.interval && cell.value !== ABSENT) {
      // Not where it is absent: nobody can change that in place, and it leaves memory only when its turn comes.
      this.changes.encodeFirst(cell)
    }
    cell.isReferenced = true
    return cell.value === EVICTED ? this.#load(cell) : cell.value
  }

  /** To be called before the value of a cell is changed. */
  touch(cell: StateCell): void {
    if (cell.stamp !== this.changes.interval) this.changes.touch(cell, cell.value !== ABSENT)
  }

  /** Sets the value of a cell. */
  write(cell: StateCell, given: unknown): void {
    this.touch(cell)
    cell.value = typeof given === 'object' && given !== null ? this.loans.take(given, cell) : given
    this.changed(cell)
    if (this.strict !== undefined) this.strict.stored(given, cell)
  }

  /** The value of a cell has been changed, after `touch`. */
  changed(cell: StateCell): void {
    cell.encoded = undefined
    cell.isDirty = true
    cell.isReferenced = true
    if (cell.position < 0) this.cache.add(cell, cell.bytes)
    if (--cell.state.untilSample <= 0) this.#sample(cell)
    else if (cell.bytes <= CELL_BYTES) {
      this.cache.resize(cell, CELL_BYTES + cell.state.averageBytes)
    }
  }

  /** Corrects the estimate for a cell's value. */
  resize(cell: StateCell, bytes: number): void {
    this.cache.resize(cell, CELL_BYTES + Math.ceil(bytes))
  }

  /** Takes the value of a cell away. */
  remove(cell: StateCell): void {
    this.touch(cell)
    this.#empty(cell)
    if (cell.existed || cell.isSpilled) return
    this.changes.leave(cell)
    this.detach(cell)
  }

  /** Takes the value of a key, or its list, away. */
  removeValue(cell: StateCell): void {
    if (cell.value === ABSENT) return
    this.valueCount--
    this.remove(cell)
  }

  /** Takes the value away without a trace in the changes: something that was logged covers it. */
  discard(cell: StateCell): void {
    if (cell.stamp !== 0) this.changes.leave(cell)
    this.#empty(cell)
    if (!cell.isSpilled) this.detach(cell)
  }

  #empty(cell: StateCell): void {
    cell.value = ABSENT
    cell.encoded = undefined
    cell.isDirty = true
    if (cell.position < 0) this.cache.add(cell, CELL_BYTES)
    else this.cache.resize(cell, CELL_BYTES)
  }

  /** Measures a value, and checks it: not each one is encoded soon, or ever (R18). */
  #sample(cell: StateCell): void {
    const { state, value } = cell
    if (state.samples < FIRST_SAMPLES || state.samples % CHECK_EVERY === 0) this.#check(cell)
    const { bytes, hasText } = estimateSize(value)
    const isFirst = state.averageBytes === 0
    state.averageBytes = isFirst ? bytes : Math.ceil(state.averageBytes * 0.75 + bytes * 0.25)
    if (Array.isArray(value) && value.length > 0) state.elementBytes = bytes / value.length
    if (hasText) state.hasText = true
    state.samples++
    state.untilSample = state.samples < FIRST_SAMPLES ? 1 : SAMPLE_EVERY
    this.cache.resize(cell, CELL_BYTES + bytes)
  }

  #check(cell: StateCell): void {
    const { state, value } = cell
    try {
      if (state.kind !== 'list' || !Array.isArray(value)) checkValue(value, state.path)
      // The rest of a list has been checked, or passed over, when it was put in.
      else checkValue(value.at(-1), `${state.path}[${value.length - 1}]`)
    } catch (error) {
      throw cell.name(error)
    }
  }

  // --- Eviction, and the way back ---

  #load(cell: StateCell): unknown {
    const stored = this.stored(cell)
    if (stored === undefined) {
      cell.value = ABSENT
      cell.isSpilled = false
    } else {
      const current = cell.current(stored)
      const isUpcast = current !== stored
      if (isUpcast) this.#upcast(cell)
      cell.value = cell.decode(current)
      if (isUpcast || cell.pendingWrite === 0) cell.encoded = undefined
    }
    const bytes = CELL_BYTES + (stored?.length ?? 0) * DECODED_PER_BYTE
    if (cell.position < 0) this.cache.add(cell, bytes)
    else this.cache.resize(cell, bytes)
    return cell.value
  }

  /** The value of a cell, which is not decoded yet, is not the one that is stored: it counts as changed. */
  #upcast(cell: StateCell): void {
    this.touch(cell)
    cell.isDirty = true
  }

  /** What is stored of a cell that is not in memory decoded; undefined if there is nothing. */
  stored(cell: StateCell): Uint8Array | undefined {
    return cell.encoded ?? this.#readSpilled(cell)
  }

  #readSpilled(cell: StateCell): Uint8Array | undefined {
    const { spill, base } = this
    if (spill === undefined) return undefined
    const key = this.#keyOf(cell)
    if (base === undefined || !base.covers(cell.row.keyGroup)) return valueOf(spill.read(key))
    const stored = spill.mightHaveWritten(key, key.length) ? spill.read(key) : undefined
    return stored === undefined ? base.read(cell, key) : valueOf(stored)
  }

  #keyOf(cell: StateCell): Uint8Array {
    this.#scratch.length = 0
    cell.writeKey(this.#scratch)
    return this.#scratch.copyShared()
  }

  /** Fills a new cell with a value from a checkpoint, which stays encoded until it is used. */
  restore(cell: StateCell, encoded: Uint8Array, asChange: boolean): void {
    if (asChange) this.changes.touch(cell, false)
    cell.value = EVICTED
    cell.encoded = encoded
    cell.isDirty = true
    cell.isReferenced = false
    this.cache.resize(cell, CELL_BYTES + encoded.length)
  }

  /** Keeps a value in its encoded form only. */
  pack(cell: StateCell): void {
    if (cell.encoded === undefined) {
      const scratch = this.#scratch
      scratch.length = 0
      cell.writeStored(scratch)
      cell.encoded = scratch.copyShared()
    }
    cell.value = EVICTED
    this.cache.resize(cell, CELL_BYTES + cell.encoded.length)
  }

  /** Moves a cell from memory to the spill; encoded first for the snapshot that it waits for (R25). */
  evict(cell: StateCell): void {
    const isGone = cell.isGone
    if (!isGone && cell.value !== EVICTED && (cell.isDirty || cell.stamp !== 0)) this.pack(cell)
    if (cell.stamp !== 0) this.changes.encodeEarly(cell)
    if (!isGone) cell.evicted()
    if (cell.isDirty) {
      cell.isDirty = false
      if (!isGone) this.spill!.queue(cell, this.#keyOf(cell), cell.encoded)
      else if (cell.isSpilled) this.#queueDeletion(cell)
    }
    cell.value = isGone ? ABSENT : EVICTED
    if (cell.pendingWrite === 0) cell.encoded = undefined
    this.cache.remove(cell)
    this.settle(cell, undefined)
  }

  /** What the restored base still has of it must not come back. */
  #queueDeletion(cell: StateCell): void {
    const key = this.#keyOf(cell)
    const isInBase = this.base !== undefined && this.base.mightHold(cell, key)
    this.spill!.queue(cell, key, isInBase ? NO_VALUE : undefined)
  }

  /** The newest write of a cell has reached the spill. */
  landed(cell: StateCell): void {
    if (cell.isDirty) return
    if (cell.value !== ABSENT) cell.encoded = undefined
    this.settle(cell, undefined)
  }

  /** Neither a snapshot nor the spill waits for the cell: keeps of it what is still needed. */
  settle(cell: StateCell, run: EntryRun | undefined): void {
    if (cell.stamp !== 0 || cell.pendingWrite !== 0) return
    if (cell.value === EVICTED) {
      if (cell.encoded === undefined) this.detach(cell)
    } else if (cell.value === ABSENT) {
      if (!cell.isSpilled) this.detach(cell)
    } else if (run !== undefined && cell.state.hasText) {
      // Pieces of strings would keep the batches they came in; decoded again they have memory of their own.
      cell.encoded = run.copyLastValue()
      this.pack(cell)
    }
  }

  close(): void {
    this.row = undefined
    this.#defaultRow = undefined
    this.#isOpen = false
    this.#isClosed = true
    this.rows.clear()
    this.cache.clear()
  }
}

/** What was stored; undefined also where it says that there is no value. */
function valueOf(stored: Uint8Array | undefined): Uint8Array | undefined {
  return stored === undefined || stored.length === 0 ? undefined : stored
}
