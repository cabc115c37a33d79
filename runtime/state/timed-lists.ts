import type { CellTtl } from './cell-ttl.ts'
import { ELEMENT_BYTES } from './list-handle.ts'
import type { ListStore } from './list-store.ts'
import { ABSENT, type CellState, type StateCell } from './state-cell.ts'
import type { StateTable } from './state-table.ts'

/**
 * The elements of the lists of one state, each of which has a last access of its own (semantics 2.17).
 *
 * Cells are those of pieces; their elements are in memory.
 */
export class TimedLists {
  readonly ttl: CellTtl
  readonly #table: StateTable
  readonly #lists: ListStore
  readonly #state: CellState

  constructor(table: StateTable, lists: ListStore, state: CellState & { readonly ttl: CellTtl }) {
    this.#table = table
    this.#lists = lists
    this.#state = state
    this.ttl = state.ttl
  }

  /** The last access of each element, to be added to; unknown for a list that was stored without. */
  accesses(cell: StateCell): number[] {
    const { length } = cell.value as unknown[]
    cell.elementAccesses ??= new Array<number>(length).fill(-Infinity)
    return cell.elementAccesses
  }

  /** The elements from `start` on are new, or all of them are used again. After the list has been changed. */
  stamp(cell: StateCell, start: number, access: number): void {
    const accesses = start === 0 ? [] : cell.elementAccesses!
    const { length } = cell.value as unknown[]
    for (let i = start; i < length; i++) accesses[i] = access
    cell.elementAccesses = accesses
    cell.lastAccess = start === 0 ? access : Math.max(cell.lastAccess, access)
  }

  /** Renews the elements that were used before `access`. */
  renew(cell: StateCell, access: number): void {
    const accesses = this.accesses(cell)
    if (accesses.every((one) => one >= access)) return
    this.#table.touch(cell)
    cell.elementAccesses = accesses.map((one) => Math.max(one, access))
    cell.lastAccess = Math.max(cell.lastAccess, access)
    this.#table.changed(cell)
  }

  /** As `TimedCells.sweep`, for each element. */
  sweep(cell: StateCell, now: number): void {
    if (this.#table.peek(cell) === ABSENT) return
    if (this.hasExpired(cell, now)) this.dropExpired(cell, now)
    if (cell.value === ABSENT || !this.accesses(cell).includes(-Infinity)) return
    this.#table.touch(cell)
    cell.elementAccesses = this.accesses(cell).map((one) => (one === -Infinity ? now : one))
    cell.lastAccess = Math.max(cell.lastAccess, now)
    this.#table.changed(cell)
  }

  /** Whether any element has expired by then. */
  hasExpired(cell: StateCell, now: number): boolean {
    const accesses = cell.elementAccesses
    if (accesses === undefined) return false
    const { ttl } = this
    return accesses.some((access) => ttl.isExpiredAt(access, now))
  }

  /** Takes away what has expired by then; the array that was the list stays as it is. */
  dropExpired(cell: StateCell, now: number): void {
    const { ttl } = this
    const list = cell.value as unknown[]
    const accesses = this.accesses(cell)
    const kept = list.filter((_, i) => !ttl.isExpiredAt(accesses[i]!, now))
    if (kept.length === 0) {
      this.#lists.removePiece(cell)
      return
    }
    this.#table.touch(cell)
    cell.value = kept
    cell.elementAccesses = accesses.filter((access) => !ttl.isExpiredAt(access, now))
    this.#table.changed(cell)
    this.#table.resize(cell, (this.#state.elementBytes || ELEMENT_BYTES) * kept.length)
    this.#table.strict?.replaced(cell)
  }
}
