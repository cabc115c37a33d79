import { corrupt } from '../bytes.ts'
import { cutList, PIECE_BYTES } from './list-cut.ts'
import { ListPieces, PieceCell, type RowCell } from './row-cell.ts'
import { writePrefix } from './snapshot-format.ts'
import { ABSENT, type CellState, EVICTED, type StateCell } from './state-cell.ts'
import type { StateRow } from './state-row.ts'
import { CELL_BYTES, type StateTable } from './state-table.ts'

/**
 * Lists over the table (R23).
 *
 * ```
 *   short   last piece: all elements, to which `add` appends
 *   long    1 · 2 · … · n · last piece       full pieces are cells of their own, and do not change any more
 * ```
 *
 * So whatever adds needs the last piece only; it knows which full pieces are in front of it. It is there as long as the list
 * is, though its elements may all have expired.
 */
export class ListStore {
  /** What a cell is taken to cost when its list may be too long for one piece. */
  readonly longBytes: number
  readonly #table: StateTable
  readonly #pieceBytes: number

  constructor(table: StateTable, pieceBytes: number = PIECE_BYTES) {
    this.#table = table
    this.#pieceBytes = pieceBytes
    this.longBytes = CELL_BYTES + pieceBytes
  }

  /** The full pieces of a list, which need not be in memory; undefined where there are none. */
  front(last: RowCell): ListPieces | undefined {
    if (last.pieces === undefined && last.value === EVICTED) {
      const stored = this.#table.stored(last)
      if (stored !== undefined) last.learnPieces(stored)
    }
    return last.front as ListPieces | undefined
  }

  /** The cells of all pieces in their order, the last one at the end; a full one that is gone may be among them. */
  cells(last: RowCell): StateCell[] {
    const cells: StateCell[] = []
    const pieces = this.front(last)
    for (let number = pieces?.first ?? 0; number < (pieces?.next ?? 0); number++) {
      const piece = this.#find(last, number)
      if (piece !== undefined) cells.push(piece)
    }
    cells.push(last)
    return cells
  }

  /** The elements of a list whose last piece is in memory, about to be seen by user code. Costs their number if it is long. */
  whole(last: RowCell): readonly unknown[] {
    if (last.front === undefined) return last.value as unknown[]
    const table = this.#table
    const list: unknown[] = []
    for (const cell of this.cells(last)) {
      const elements = table.peek(cell)
      if (elements === ABSENT) continue
      table.strict?.lent(cell)
      for (const element of elements as unknown[]) list.push(element)
    }
    table.loans.lend(list, last)
    table.strict?.joined(last, list)
    return list
  }

  /** Makes pieces of what is full of the last one, which has just been changed. */
  cut(last: RowCell): void {
    const table = this.#table
    const list = last.value as unknown[]
    const { length } = list
    const { inPiece, full, elementBytes } = cutList(list, this.#pieceBytes)
    last.state.elementBytes = elementBytes
    for (let start = 0; start < full; start += inPiece) {
      const piece = this.#newPiece(last)
      table.touch(piece)
      takeOver(last, piece, start, start + inPiece)
      table.changed(piece)
      table.resize(piece, elementBytes * inPiece)
      table.strict?.made(piece)
    }
    if (full > 0) {
      takeOver(last, last, full, length)
      table.loans.lend(last.value as unknown[], last)
      table.strict?.replaced(last)
    }
    table.resize(last, elementBytes * (length - full))
  }

  /** Takes the full pieces away: the last one is about to be written anew, or taken away. One `clear` in the changes (R24). */
  clearFront(last: RowCell): void {
    const pieces = this.front(last)
    if (pieces === undefined) return
    const table = this.#table
    const { changes } = table
    this.#hold(last)
    let isNew = true
    for (const cell of this.cells(last)) {
      isNew &&= this.#isNew(cell)
      // The last one tells of the others, so it has its turn before it forgets them (R25).
      if (cell.stamp !== 0 && cell.stamp !== changes.interval) changes.encodeFirst(cell)
      if (cell !== last) table.discard(cell)
    }
    if (!isNew) changes.logClear((run) => writePrefix(run.writer, last.row, last.state.stateId))
    this.#restart(last, pieces)
  }

  /** Takes a list away. */
  clear(last: RowCell): void {
    const table = this.#table
    if (this.front(last) === undefined) {
      table.removeValue(last)
      return
    }
    this.clearFront(last)
    table.discard(last)
    table.valueCount--
  }

  /** Takes away a piece, in memory, all of whose elements have expired; with the only one the list. */
  removePiece(cell: StateCell): void {
    const table = this.#table
    if (cell instanceof PieceCell) this.#removeFull(cell)
    else if (this.front(cell as RowCell) === undefined) table.removeValue(cell)
    else {
      table.touch(cell)
      cell.value = []
      cell.elementAccesses = []
      table.changed(cell)
      table.resize(cell, 0)
      table.strict?.replaced(cell)
    }
  }

  #removeFull(piece: PieceCell): void {
    const table = this.#table
    const { last, number } = piece
    const rest = table.peek(last) as unknown[]
    table.remove(piece)
    const pieces = last.pieces!
    if (number !== pieces.first) return
    table.touch(last)
    do pieces.first++
    while (pieces.first < pieces.next && this.#isGone(last, pieces.first))
    table.changed(last)
    if (pieces.first < pieces.next) return
    this.#restart(last, pieces)
    if (rest.length === 0) table.removeValue(last)
  }

  #isGone(last: RowCell, number: number): boolean {
    const piece = this.#find(last, number)
    return piece === undefined || this.#table.peek(piece) === ABSENT
  }

  /** The cell of a stored piece, perhaps evicted or absent; undefined if it is no part of the list any more. */
  find(row: StateRow, state: CellState, number: number): StateCell | undefined {
    const last = this.#table.find(row, state)
    if (last === undefined || number === 0) return last
    const pieces = this.front(last)
    const isThere = pieces !== undefined && number >= pieces.first && number < pieces.next
    return isThere ? this.#find(last, number) : undefined
  }

  /** Makes the cell for a full piece that is restored; the last one was restored before. */
  restore(row: StateRow, state: CellState, number: number): StateCell {
    const last = this.#table.find(row, state)
    const pieces = last === undefined ? undefined : this.front(last)
    if (pieces === undefined || number < pieces.first || number >= pieces.next) {
      throw corrupt(`piece ${number} of a list of ${state.path} belongs to no list`)
    }
    return this.#attach(new PieceCell(last!, number))
  }

  /** Whether reads would return any element of a list whose last piece is in memory and whose elements expire. */
  hasUnexpired(last: RowCell): boolean {
    return (
      this.#isUnexpired(last) ||
      this.cells(last)
        .reverse()
        .some((cell) => this.#isUnexpired(cell))
    )
  }

  #isUnexpired(cell: StateCell): boolean {
    const value = this.#table.peek(cell)
    if (value === ABSENT || (value as []).length === 0) return false
    return !cell.state.ttl!.isExpired(cell.lastAccess)
  }

  #find(last: RowCell, number: number): PieceCell | undefined {
    const found = last.pieces!.cells.get(number)
    if (found !== undefined) return found
    const piece = new PieceCell(last, number)
    if (!this.#table.mightBeSpilled(piece)) return undefined
    piece.value = EVICTED
    piece.isSpilled = true
    return this.#attach(piece)
  }

  #attach(piece: PieceCell): PieceCell {
    piece.last.pieces!.cells.set(piece.number, piece)
    this.#table.attach(piece, false)
    return piece
  }

  #newPiece(last: RowCell): PieceCell {
    last.pieces ??= new ListPieces(1, 1)
    const number = last.pieces.next++
    return last.pieces.cells.get(number) ?? this.#attach(new PieceCell(last, number))
  }

  /** No full piece is left. */
  #restart(last: RowCell, pieces: ListPieces): void {
    pieces.first = 1
    pieces.next = 1
    if (pieces.cells.size === 0) last.pieces = undefined
  }

  /** Keeps the last piece in its slot while others leave. */
  #hold(last: RowCell): void {
    if (last.position < 0) this.#table.cache.add(last, CELL_BYTES)
  }

  /** Whether no snapshot can have anything of a cell: it came to be since the last one, and was not encoded since. */
  #isNew(cell: StateCell): boolean {
    return cell.stamp === this.#table.changes.interval && !cell.existed
  }
}

/** A piece gets some of the elements of another, with the times when they were used. */
function takeOver(from: StateCell, to: StateCell, start: number, end: number): void {
  to.value = (from.value as unknown[]).slice(start, end)
  if (from.elementAccesses === undefined) return
  to.elementAccesses = from.elementAccesses.slice(start, end)
  to.lastAccess = newestOf(to)
}

/** When the element that was used last was used; -Infinity where there is none. */
function newestOf({ elementAccesses, lastAccess }: StateCell): number {
  if (elementAccesses === undefined) return lastAccess
  let newest = -Infinity
  for (const access of elementAccesses) if (access > newest) newest = access
  return newest
}
