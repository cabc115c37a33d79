import { ByteWriter } from '../bytes.ts'
import { cutList } from '../state/list-cut.ts'
import { type FrontPieces, writePiece } from '../state/snapshot-format.ts'
import type { StateEntry } from '../state/state-backend.ts'

/** The elements from `start` to before `end` as a piece of a list is stored. */
export type EncodePiece = (start: number, end: number, front?: FrontPieces) => Uint8Array

/** The entries of a list that is not empty, ascending: one, or several pieces if it is long. `prefix`: their key up to the sub-key. */
export function listEntries(
  prefix: Uint8Array,
  list: readonly unknown[],
  encode: EncodePiece,
): StateEntry[] {
  const { inPiece, full } = cutList(list)
  const count = full / inPiece
  const front = count === 0 ? undefined : { first: 1, next: count + 1 }
  const entries = [put(prefix, 0, encode(full, list.length, front))]
  for (let i = 0; i < count; i++) {
    entries.push(put(prefix, i + 1, encode(i * inPiece, (i + 1) * inPiece)))
  }
  return entries
}

function put(prefix: Uint8Array, piece: number, value: Uint8Array): StateEntry {
  return { key: pieceKey(prefix, piece), kind: 'put', value }
}

/** The key of a piece of a list. */
export function pieceKey(prefix: Uint8Array, piece: number): Uint8Array {
  const writer = new ByteWriter(prefix.length + 4)
  writer.append(prefix)
  writePiece(writer, piece)
  return writer.copy()
}
