import { ListHandle, NO_ELEMENTS } from './list-handle.ts'
import type { ListStore } from './list-store.ts'
import type { RowCell } from './row-cell.ts'
import { ABSENT, type CellState, type StateCell } from './state-cell.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import type { TimedCells } from './timed-cells.ts'
import type { TimedLists } from './timed-lists.ts'

/** A list state whose elements expire one by one. */
export class TimedListHandle<T> extends ListHandle<T> {
  readonly #table: StateTable
  readonly #lists: ListStore
  readonly #state: CellState
  readonly #cells: TimedCells
  readonly #timed: TimedLists

  constructor(parts: {
    readonly table: StateTable
    readonly lists: ListStore
    readonly state: CellState
    readonly cells: TimedCells
    readonly timed: TimedLists
  }) {
    const { table, lists, state } = parts
    super(table, lists, state, Infinity)
    this.#table = table
    this.#lists = lists
    this.#state = state
    this.#cells = parts.cells
    this.#timed = parts.timed
  }

  override get(): readonly T[] {
    const last = this.#find(this.#row())
    if (last === undefined) return NO_ELEMENTS
    const { ttl } = this.#timed
    const { now } = ttl.time
    const pieces = last.pieces === undefined ? [last] : this.#loaded(last)
    const hasExpired = pieces.some((piece) => this.#timed.hasExpired(piece, now))
    const before = hasExpired && ttl.returnsExpired ? super.get() : NO_ELEMENTS
    for (const piece of pieces) this.#use(piece, now)
    return hasExpired && ttl.returnsExpired ? before : super.get()
  }

  #use(piece: StateCell, now: number): void {
    if (this.#timed.hasExpired(piece, now)) this.#timed.dropExpired(piece, now)
    if (this.#timed.ttl.isRenewedByReads && piece.value !== ABSENT) {
      this.#timed.renew(piece, this.#cells.accessTime(piece.row))
    }
  }

  override add(value: T): void {
    const row = this.#row()
    const access = this.#cells.accessTime(row)
    const length = this.#lengthIn(row)
    super.add(value)
    this.#stamp(row, length, access)
  }

  override addAll(values: readonly T[]): void {
    if (values.length === 0) return
    const row = this.#row()
    const access = this.#cells.accessTime(row)
    const length = this.#lengthIn(row)
    super.addAll(values)
    this.#stamp(row, length, access)
  }

  override update(values: readonly T[]): void {
    const row = this.#row()
    const access = this.#cells.accessTime(row)
    super.update(values)
    if (values.length > 0) this.#stamp(row, 0, access)
  }

  /** The elements of the last piece from `start` on are new; what is full of it is cut with their ages. */
  #stamp(row: StateRow, start: number, access: number): void {
    const cell = this.#find(row)!
    this.#timed.stamp(cell, start, access)
    if (cell.bytes > this.#lists.longBytes) this.#lists.cut(cell)
  }

  /** How many elements the last piece has, expired or not; their ages are at hand then. */
  #lengthIn(row: StateRow): number {
    const cell = this.#find(row)
    return cell === undefined ? 0 : this.#timed.accesses(cell).length
  }

  #row(): StateRow {
    return this.#table.row ?? this.#table.openRow(this.#state)
  }

  /** The last piece with its elements in memory; undefined if there is no list. */
  #find(row: StateRow): RowCell | undefined {
    const cell = this.#table.find(row, this.#state)
    return cell === undefined || this.#table.peek(cell) === ABSENT ? undefined : cell
  }

  /** All pieces of a list, their elements in memory. */
  #loaded(last: RowCell): StateCell[] {
    return this.#lists.cells(last).filter((piece) => this.#table.peek(piece) !== ABSENT)
  }
}
