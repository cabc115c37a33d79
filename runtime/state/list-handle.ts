import type { ListStore } from './list-store.ts'
import type { RowCell } from './row-cell.ts'
import { ABSENT, type CellState, EVICTED, type StateCell } from './state-cell.ts'
import type { StateTable } from './state-table.ts'
import type { ListState } from './state.ts'

export const NO_ELEMENTS: readonly never[] = Object.freeze([])
/** What an element is taken to cost before one has been measured. */
export const ELEMENT_BYTES = 64

/**
 * A list state over the table. The arrays that pieces of lists have for values belong to the table alone.
 *
 * A short list is one cell, and costs no more than that takes: whether it has become too long is seen by the size of the cell.
 */
export class ListHandle<T> implements ListState<T> {
  readonly #table: StateTable
  readonly #lists: ListStore
  readonly #state: CellState
  readonly #longBytes: number

  /** `longBytes`: what a cell costs that is cut into pieces; who does that itself says Infinity. */
  constructor(
    table: StateTable,
    lists: ListStore,
    state: CellState,
    longBytes: number = lists.longBytes,
  ) {
    this.#table = table
    this.#lists = lists
    this.#state = state
    this.#longBytes = longBytes
  }

  get(): readonly T[] {
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    const cell = table.find(row, this.#state)
    if (cell === undefined) return NO_ELEMENTS
    const value = table.read(cell)
    if (value === ABSENT) return NO_ELEMENTS
    return cell.pieces === undefined ? (value as T[]) : (this.#lists.whole(cell) as T[])
  }

  isEmpty(): boolean {
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    const cell = table.find(row, this.#state)
    return cell === undefined || table.peek(cell) === ABSENT
  }

  add(value: T): void {
    const cell = this.#cell()
    if (cell.value === ABSENT) {
      // Most lists stay short: pushing to an empty array would make room for 17.
      this.#replace([value], cell)
      return
    }
    const list = this.#listToChange(cell)
    list.push(this.#take(value, cell))
    this.#changed(cell, 1)
    if (this.#table.strict !== undefined) this.#table.strict.stored(value, cell)
    if (cell.bytes > this.#longBytes) this.#lists.cut(cell)
  }

  addAll(values: readonly T[]): void {
    // Its own array may be handed back: what is appended is what it held before.
    const { length } = values
    if (length === 0) return
    const cell = this.#cell()
    if (cell.value === ABSENT) {
      this.#replace(values, cell)
      return
    }
    const list = this.#listToChange(cell)
    for (let i = 0; i < length; i++) list.push(this.#take(values[i]!, cell))
    this.#changed(cell, length)
    this.#storedAll(values, cell)
    if (cell.bytes > this.#longBytes) this.#lists.cut(cell)
  }

  update(values: readonly T[]): void {
    if (values.length === 0) this.clear()
    else this.#replace(values, this.#cell())
  }

  clear(): void {
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    const cell = table.find(row, this.#state)
    if (cell === undefined) return
    this.#lists.clear(cell)
    table.strict?.replacedWhole(cell)
  }

  #replace(values: readonly T[], cell: RowCell): void {
    const { length } = values
    const list = values.slice()
    const table = this.#table
    if (table.loans.hasOthers(cell)) {
      for (let i = 0; i < length; i++) list[i] = this.#take(list[i]!, cell)
    }
    if (cell.value === EVICTED || cell.pieces !== undefined) this.#lists.clearFront(cell)
    table.touch(cell)
    if (cell.value === ABSENT) table.valueCount++
    cell.value = list
    table.loans.lend(list, cell)
    table.changed(cell)
    table.resize(cell, (this.#state.elementBytes || ELEMENT_BYTES) * length)
    if (table.strict !== undefined) {
      table.strict.replacedWhole(cell)
      this.#storedAll(values, cell)
    }
    if (cell.bytes > this.#longBytes) this.#lists.cut(cell)
  }

  #cell(): RowCell {
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    return table.obtain(row, this.#state)
  }

  #listToChange(cell: StateCell): T[] {
    const table = this.#table
    const value = table.peek(cell)
    table.touch(cell)
    if (value !== ABSENT) return value as T[]
    table.valueCount++
    const list: T[] = []
    cell.value = list
    return list
  }

  #changed(cell: StateCell, added: number): void {
    const { bytes } = cell
    const table = this.#table
    table.loans.lend(cell.value as T[], cell)
    table.changed(cell)
    if (cell.bytes !== bytes) return
    const elementBytes = this.#state.elementBytes || ELEMENT_BYTES
    table.cache.resize(cell, bytes + Math.ceil(elementBytes * added))
  }

  /** The element as it is to be stored. */
  #take(value: T, cell: StateCell): T {
    if (typeof value !== 'object' || value === null) return value
    return this.#table.loans.take(value, cell) as T
  }

  #storedAll(values: readonly T[], cell: StateCell): void {
    const { strict } = this.#table
    if (strict === undefined) return
    for (const value of values) strict.stored(value, cell)
  }
}
