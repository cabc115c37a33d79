import type { ByteWriter } from '../bytes.ts'
import { type FrontPieces, frontPiecesIn, writePiece, writePrefix } from './snapshot-format.ts'
import { StateCell } from './state-cell.ts'

/** What stands in the slot of a state: the value of a key, or its list; of a long list the last piece. */
export class RowCell extends StateCell {
  /**
   * What is known of the pieces in front. Undefined: there are none, or, while the list is not in memory, they are not known.
   * While pieces are in memory this cell stays in its slot, though it may have left the cache, as they are found by it.
   */
  get pieces(): ListPieces | undefined {
    return this.frontPieces as ListPieces | undefined
  }

  set pieces(pieces: ListPieces | undefined) {
    this.frontPieces = pieces
  }

  override writeKey(writer: ByteWriter): void {
    writePrefix(writer, this.row, this.state.stateId)
    if (this.state.kind === 'list') writePiece(writer, 0)
  }

  override get front(): FrontPieces | undefined {
    const { pieces } = this
    return pieces !== undefined && pieces.first < pieces.next ? pieces : undefined
  }

  override decode(stored: Uint8Array): unknown {
    this.learnPieces(stored)
    return super.decode(stored)
  }

  /** Takes from its stored bytes which pieces are in front, unless it is known. */
  learnPieces(stored: Uint8Array): void {
    const front = frontPiecesIn(stored)
    if (front !== undefined) this.pieces ??= new ListPieces(front.first, front.next)
  }

  override detach(): boolean {
    if (this.pieces !== undefined && this.pieces.cells.size > 0) return false
    this.row.setSlot(this.state.slot, undefined)
    return true
  }

  /** A piece has left memory: the slot becomes free where only pieces have kept this cell in it; true if so. */
  pieceLeft(): boolean {
    const isKept = this.position >= 0 || this.stamp !== 0 || this.pendingWrite !== 0
    return !isKept && this.detach()
  }
}

/** The full pieces of a list: those from `first` to before `next`, and which of them are in memory. */
export class ListPieces implements FrontPieces {
  first: number
  next: number
  /** By their numbers; those outside the range are gone, and wait until the spill has heard of it. */
  readonly cells: Map<number, PieceCell> = new Map()

  constructor(first: number, next: number) {
    this.first = first
    this.next = next
  }
}

/** A full piece of a list, to which nothing is added any more. */
export class PieceCell extends StateCell {
  readonly last: RowCell
  readonly number: number

  constructor(last: RowCell, number: number) {
    super(last.row, last.state)
    this.last = last
    this.number = number
  }

  override writeKey(writer: ByteWriter): void {
    writePrefix(writer, this.row, this.state.stateId)
    writePiece(writer, this.number)
  }

  override detach(): boolean {
    this.last.pieces!.cells.delete(this.number)
    return this.last.pieceLeft()
  }
}
