import type { CellTtl } from './cell-ttl.ts'
import { ABSENT, type CellState, type StateCell } from './state-cell.ts'
import { timestampMissing } from './state-errors.ts'
import type { StateRow } from './state-row.ts'
import type { StateTable } from './state-table.ts'

/**
 * How cells of one state with a time to live are read and written (semantics 2.17): those of values, and of entries of maps;
 * lists, whose elements expire one by one, are `TimedLists`.
 */
export class TimedCells {
  readonly ttl: CellTtl
  readonly #table: StateTable
  readonly #state: CellState
  readonly #remove: (cell: StateCell) => void

  /** `remove` takes a cell's value away, as the user's `clear` or `remove` would. */
  constructor(
    table: StateTable,
    state: CellState & { readonly ttl: CellTtl },
    remove: (cell: StateCell) => void,
  ) {
    this.#table = table
    this.#state = state
    this.ttl = state.ttl
    this.#remove = remove
  }

  /** The value as a read returns it, `ABSENT` for none; what has expired is removed by that. */
  read(cell: StateCell): unknown {
    const { ttl } = this
    const value = this.#table.peek(cell)
    if (value === ABSENT) return ABSENT
    if (ttl.isExpired(cell.lastAccess)) {
      this.#remove(cell)
      return ttl.returnsExpired ? value : ABSENT
    }
    if (ttl.isRenewedByReads) this.#renew(cell)
    return this.#table.read(cell)
  }

  /** The value for a new one to be built on: `ABSENT` if it has expired, whatever reads return. */
  readUnexpired(cell: StateCell): unknown {
    return this.#isUnexpired(cell) ? this.#table.read(cell) : ABSENT
  }

  #isUnexpired(cell: StateCell): boolean {
    return this.#table.peek(cell) !== ABSENT && !this.ttl.isExpired(cell.lastAccess)
  }

  /** The last access of what is used now in a row; fails where there is none (R30). */
  accessTime(row: StateRow): number {
    const { access } = this.ttl.time
    if (Number.isNaN(access)) throw timestampMissing(this.#state, row)
    return access
  }

  /** Sets the value of a cell, used last at `access`. */
  write(cell: StateCell, value: unknown, access: number): void {
    let lastAccess = access
    // Records come out of order: an older one must not make expire sooner what a newer one has used.
    if (this.ttl.domain === 'event' && this.#isUnexpired(cell)) {
      lastAccess = Math.max(access, cell.lastAccess)
    }
    this.#table.touch(cell)
    cell.lastAccess = lastAccess
    this.#table.write(cell, value)
  }

  /** Between callbacks, by a time that is settled: removes what has expired, gives a time to what has none (R30). */
  sweep(cell: StateCell, now: number): void {
    if (this.#table.peek(cell) === ABSENT) return
    if (this.ttl.isExpiredAt(cell.lastAccess, now)) this.#remove(cell)
    else if (cell.lastAccess === -Infinity) {
      this.#table.touch(cell)
      cell.lastAccess = now
      this.#table.changed(cell)
    }
  }

  #renew(cell: StateCell): void {
    const access = this.accessTime(cell.row)
    if (access <= cell.lastAccess) return
    this.#table.touch(cell)
    cell.lastAccess = access
    this.#table.changed(cell)
  }
}
