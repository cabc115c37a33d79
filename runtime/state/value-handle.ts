import { ABSENT, type CellState, type StateCell } from './state-cell.ts'
import type { StateTable } from './state-table.ts'
import type { ValueState } from './state.ts'

/** A value state as other kinds of state are built on it. */
export interface AccumulatorState<T> extends ValueState<T> {
  /** The value to build a new one on: as `value`, but never one that has expired. An `update` follows. */
  unexpired(): T | undefined
}

/** A value state over the table: the cell of the current row by index. */
export class ValueHandle<T> implements AccumulatorState<T> {
  readonly #table: StateTable
  readonly #state: CellState

  constructor(table: StateTable, state: CellState) {
    this.#table = table
    this.#state = state
  }

  value(): T | undefined {
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    const cell =
      (row.slot(this.#state.slot) as StateCell | undefined) ?? table.find(row, this.#state)
    if (cell === undefined) return undefined
    const value = table.read(cell)
    return value === ABSENT ? undefined : (value as T)
  }

  unexpired(): T | undefined {
    return this.value()
  }

  update(value: T): void {
    if (value === undefined) {
      this.clear()
      return
    }
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    const cell =
      (row.slot(this.#state.slot) as StateCell | undefined) ?? table.obtain(row, this.#state)
    if (cell.value === ABSENT) table.valueCount++
    table.write(cell, value)
  }

  clear(): void {
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    const cell = table.find(row, this.#state)
    if (cell !== undefined) table.removeValue(cell)
  }
}
