import type { StateCell } from './state-cell.ts'

/**
 * The cells in memory with the sum of their estimated bytes, and which of them to evict next: the "clock", which gives
 * every cell that was used since the hand last passed another round.
 *
 * All calls cost O(1), `next` amortised over the uses it forgets.
 */
export class CellCache {
  readonly #cells: StateCell[] = []
  #hand = 0
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#cells.length
  }

  /** The cell at a position, 0 to `count` - 1; when one is removed the last one takes its place. */
  at(position: number): StateCell {
    return this.#cells[position]!
  }

  add(cell: StateCell, bytes: number): void {
    cell.position = this.#cells.length
    cell.bytes = bytes
    this.#cells.push(cell)
    this.#bytes += bytes
  }

  remove(cell: StateCell): void {
    const { position } = cell
    if (position < 0) return
    const last = this.#cells.pop()!
    if (last !== cell) {
      this.#cells[position] = last
      last.position = position
    }
    cell.position = -1
    this.#bytes -= cell.bytes
  }

  resize(cell: StateCell, bytes: number): void {
    if (cell.position >= 0) this.#bytes += bytes - cell.bytes
    cell.bytes = bytes
  }

  /** The cell to evict next; undefined if there is none. */
  next(): StateCell | undefined {
    const cells = this.#cells
    while (cells.length > 0) {
      if (this.#hand >= cells.length) this.#hand = 0
      const cell = cells[this.#hand]!
      if (!cell.isReferenced) return cell
      cell.isReferenced = false
      this.#hand++
    }
    return undefined
  }

  clear(): void {
    this.#cells.length = 0
    this.#bytes = 0
  }
}
