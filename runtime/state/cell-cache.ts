import type { StateCell } from './state-cell.ts'

/** Places of cells that have left, from which on those behind them move up: with fewer it is not worth the way. */
const LEAST_HOLES = 64

/**
 * The cells in memory with the sum of their estimated bytes, and which of them to evict next, by SIEVE: a hand passes over the
 * cells from the oldest to the newest, again and again, and takes each that has not been used since it last came by. A new cell
 * counts as not used until the callback after the one that brought it in, so that what comes once leaves first.
 *
 * Against giving each cell a round from the start, a tenth fewer misses where keys follow Zipf's law. All calls cost O(1):
 * amortised over the uses that `next` forgets, and the cells that have left.
 *
 * Source: Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is Simpler than LRU, NSDI 2024.
 */
export class CellCache {
  /** In the order in which they came, with holes where cells have left, but not at the end. */
  #cells: (StateCell | undefined)[] = []
  #count = 0
  #hand = 0
  #bytes = 0
  /** Came in since `endCallback`. */
  #fresh: StateCell[] = []

  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#count
  }

  /** One more than the last position at which there may be a cell. */
  get positions(): number {
    return this.#cells.length
  }

  /** The cell at a position below `positions`, if there is one. Positions of cells that stay may get lower with any `add` or `next`. */
  at(position: number): StateCell | undefined {
    return this.#cells[position]
  }

  add(cell: StateCell, bytes: number): void {
    this.#closeUp()
    // At its end the hand turns back before something newer is there: else it would stay with what is new.
    if (this.#hand >= this.#cells.length) this.#hand = 0
    cell.position = this.#cells.length
    cell.bytes = bytes
    this.#cells.push(cell)
    this.#count++
    this.#bytes += bytes
    this.#fresh.push(cell)
  }

  remove(cell: StateCell): void {
    const { position } = cell
    if (position < 0) return
    const cells = this.#cells
    cells[position] = undefined
    while (cells.length > 0 && cells.at(-1) === undefined) cells.pop()
    cell.position = -1
    this.#count--
    this.#bytes -= cell.bytes
  }

  resize(cell: StateCell, bytes: number): void {
    if (cell.position >= 0) this.#bytes += bytes - cell.bytes
    cell.bytes = bytes
  }

  /** The uses of new cells so far were those that brought them in. */
  endCallback(): void {
    const fresh = this.#fresh
    if (fresh.length === 0) return
    for (const cell of fresh) cell.isReferenced = false
    fresh.length = 0
  }

  /** The cell to evict next; undefined if there is none. */
  next(): StateCell | undefined {
    this.#closeUp()
    const cells = this.#cells
    while (this.#count > 0) {
      if (this.#hand >= cells.length) this.#hand = 0
      const cell = cells[this.#hand]
      if (cell !== undefined && !cell.isReferenced) return cell
      if (cell !== undefined) cell.isReferenced = false
      this.#hand++
    }
    return undefined
  }

  clear(): void {
    this.#cells.length = 0
    this.#fresh.length = 0
    this.#count = 0
    this.#bytes = 0
  }

  /** Only where holes are many, so that it costs little a cell that has left. */
  #closeUp(): void {
    const cells = this.#cells
    const holes = cells.length - this.#count
    if (holes <= LEAST_HOLES || holes <= this.#count / 2) return
    let to = 0
    for (let from = 0; from < cells.length; from++) {
      if (from === this.#hand) this.#hand = to
      const cell = cells[from]
      if (cell === undefined) continue
      cell.position = to
      cells[to++] = cell
    }
    if (this.#hand > to) this.#hand = to
    cells.length = to
  }
}
