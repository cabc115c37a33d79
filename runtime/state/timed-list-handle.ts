import { ListHandle, NO_ELEMENTS } from './list-handle.ts'
import { ABSENT, type CellState, type StateCell } from './state-cell.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'
import type { TimedCells } from './timed-cells.ts'
import type { TimedLists } from './timed-lists.ts'

/** A list state whose elements expire one by one. */
export class TimedListHandle<T> extends ListHandle<T> {
  readonly #table: StateTable
  readonly #state: CellState
  readonly #cells: TimedCells
  readonly #lists: TimedLists

  constructor(table: StateTable, state: CellState, cells: TimedCells, lists: TimedLists) {
    super(table, state)
    this.#table = table
    this.#state = state
    this.#cells = cells
    this.#lists = lists
  }

  override get(): readonly T[] {
    const cell = this.#find(this.#row())
    if (cell === undefined) return NO_ELEMENTS
    const { ttl } = this.#lists
    const before = cell.value as T[]
    const { now } = ttl.time
    const hasExpired = this.#lists.hasExpired(cell, now)
    if (hasExpired) this.#lists.dropExpired(cell, now)
    if (ttl.isRenewedByReads && cell.value !== ABSENT) {
      this.#lists.renew(cell, this.#cells.accessTime(cell.row))
    }
    const kept = super.get()
    return hasExpired && ttl.returnsExpired ? before : kept
  }

  override add(value: T): void {
    const row = this.#row()
    const access = this.#cells.accessTime(row)
    const length = this.#lengthIn(row)
    super.add(value)
    this.#lists.stamp(this.#find(row)!, length, access)
  }

  override addAll(values: readonly T[]): void {
    if (values.length === 0) return
    const row = this.#row()
    const access = this.#cells.accessTime(row)
    const length = this.#lengthIn(row)
    super.addAll(values)
    this.#lists.stamp(this.#find(row)!, length, access)
  }

  override update(values: readonly T[]): void {
    const row = this.#row()
    const access = this.#cells.accessTime(row)
    super.update(values)
    if (values.length > 0) this.#lists.stamp(this.#find(row)!, 0, access)
  }

  /** How many elements there are, expired or not; their ages are at hand then. */
  #lengthIn(row: StateRow): number {
    const cell = this.#find(row)
    return cell === undefined ? 0 : this.#lists.accesses(cell).length
  }

  #row(): StateRow {
    return this.#table.row ?? this.#table.openRow(this.#state)
  }

  /** The cell with its list in memory; undefined if there is none. */
  #find(row: StateRow): StateCell | undefined {
    const cell = this.#table.find(row, this.#state)
    return cell === undefined || this.#table.peek(cell) === ABSENT ? undefined : cell
  }
}
