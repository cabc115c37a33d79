import { ABSENT, type CellState, type StateCell } from './state-cell.ts'
import type { StateTable } from './state-table.ts'
import type { TimedCells } from './timed-cells.ts'
import { ValueHandle } from './value-handle.ts'

/** A value state whose value expires. */
export class TimedValueHandle<T> extends ValueHandle<T> {
  readonly #table: StateTable
  readonly #state: CellState
  readonly #cells: TimedCells

  constructor(table: StateTable, state: CellState, cells: TimedCells) {
    super(table, state)
    this.#table = table
    this.#state = state
    this.#cells = cells
  }

  override value(): T | undefined {
    const cell = this.#find()
    return cell === undefined ? undefined : valueOf(this.#cells.read(cell))
  }

  override unexpired(): T | undefined {
    const cell = this.#find()
    return cell === undefined ? undefined : valueOf(this.#cells.readUnexpired(cell))
  }

  override update(value: T): void {
    if (value === undefined) {
      this.clear()
      return
    }
    const table = this.#table
    const row = table.row ?? table.openRow(this.#state)
    const access = this.#cells.accessTime(row)
    const cell = table.obtain(row, this.#state)
    if (cell.value === ABSENT) table.valueCount++
    this.#cells.write(cell, value, access)
  }

  #find(): StateCell | undefined {
    const table = this.#table
    return table.find(table.row ?? table.openRow(this.#state), this.#state)
  }
}

function valueOf<T>(value: unknown): T | undefined {
  return value === ABSENT ? undefined : (value as T)
}
