import { estimateSize } from './size-estimate.ts'

/**
 * What the last piece of a list takes in memory, by estimate, before what is full of it becomes pieces of their own: what one
 * `add` loads, and what a checkpoint writes of it. Encoded it is about half of that.
 */
export const PIECE_BYTES: number = 8 * 1_024

/** How a list is cut: each full piece has so many elements, and the last piece the rest, at least one. */
export interface ListCut {
  readonly inPiece: number
  /** How many elements the full pieces have together; 0 where the list is short. */
  readonly full: number
  /** What an element takes in memory. */
  readonly elementBytes: number
}

/** Cuts a list that is not empty. Looks at its beginning only; an element is never cut. Pure. */
export function cutList(list: readonly unknown[], pieceBytes: number = PIECE_BYTES): ListCut {
  const { length } = list
  const elementBytes = estimateSize(list).bytes / length
  const inPiece = Math.max(1, Math.floor(pieceBytes / elementBytes))
  return { inPiece, full: Math.floor((length - 1) / inPiece) * inPiece, elementBytes }
}
