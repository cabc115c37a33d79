import { ByteReader, ByteWriter, readLatin1 } from '../bytes.ts'
import { readKey, writeKey } from '../key-encoding.ts'
import type { Key } from '../key.ts'

const scratch = new ByteWriter()

/** What a key takes in an index besides its characters. */
const KEY_BYTES = 96

/** The bytes of a map key as a string of one character a byte, which `<` orders as the bytes are ordered (R17). */
export function orderOf(key: Key): string {
  scratch.length = 0
  writeKey(scratch, key)
  return readLatin1(scratch.bytes, 0, scratch.length)
}

/** A part of an index, and where it begins: above all that comes before it, and not above what it holds. */
export interface IndexPiece {
  readonly low: string
  readonly index: MapIndex
}

/**
 * The keys of one map, or a stretch of them, in the order of their encodings: needed as LevelDB cannot be iterated synchronously.
 *
 * Adding and removing cost O(1); the first `sorted` after them O(n), plus O(a log a) for a keys added.
 */
export class MapIndex {
  readonly #keys: Map<string, Key> = new Map()
  #sorted: readonly string[] = []
  /** Keys that may be missing in `#sorted`; those removed may still be there. */
  #added: string[] = []
  #isStale = false
  #keyBytes = 0

  get size(): number {
    return this.#keys.size
  }

  /** An estimate of the memory it takes. */
  get bytes(): number {
    return this.#keyBytes + this.#keys.size * KEY_BYTES
  }

  /** What its keys take where it is stored. */
  get keyBytes(): number {
    return this.#keyBytes
  }

  has(order: string): boolean {
    return this.#keys.has(order)
  }

  key(order: string): Key {
    return this.#keys.get(order)!
  }

  add(order: string, key: Key): void {
    if (this.#keys.has(order)) return
    this.#keys.set(order, key)
    this.#keyBytes += order.length
    this.#added.push(order)
    this.#isStale = true
  }

  delete(order: string): void {
    if (!this.#keys.delete(order)) return
    this.#keyBytes -= order.length
    this.#isStale = true
  }

  /** The keys in order, as `orderOf` gives them; later changes do not show in it. */
  sorted(): readonly string[] {
    if (this.#isStale) {
      const kept = this.#sorted.filter((order) => this.#keys.has(order))
      const added = this.#added.filter((order) => this.#keys.has(order)).sort()
      this.#sorted = merge(kept, added)
      this.#added = []
      this.#isStale = false
    }
    return this.#sorted
  }

  /**
   * Keeps the first of its keys, and hands out the others in ascending pieces: all in equal parts of at most `maxBytes`, halves at
   * least, but for the size of a key; `atEnd`, its last key alone, so that what grows at its end is not left in halves. It must
   * have two keys.
   */
  cut(maxBytes: number, atEnd: boolean): readonly IndexPiece[] {
    const sorted = this.sorted()
    const parts = atEnd ? 1 : Math.max(2, Math.ceil(this.#keyBytes / maxBytes))
    const share = atEnd ? Infinity : this.#keyBytes / parts
    const pieces: IndexPiece[] = []
    let bytes = 0
    for (const [i, order] of sorted.entries()) {
      const isDue = bytes >= share * (pieces.length + 1) || (atEnd && i === sorted.length - 1)
      const isLastChance = pieces.length === 0 && i === sorted.length - 1
      if (i > 0 && (isDue || isLastChance)) {
        pieces.push({ low: separator(sorted[i - 1]!, order), index: new MapIndex() })
      }
      bytes += order.length
      const piece = pieces.at(-1)
      if (piece === undefined) continue
      piece.index.add(order, this.key(order))
      this.delete(order)
    }
    return pieces
  }

  /** Appends it as a working copy keeps it: its keys, encoded, one behind the other. */
  write(writer: ByteWriter): void {
    for (const order of this.#keys.keys()) writer.latin1(order)
  }

  /** The reverse of `write`. */
  static read(bytes: Uint8Array): MapIndex {
    const index = new MapIndex()
    const reader = new ByteReader(bytes)
    while (reader.left > 0) {
      const start = reader.position
      const key = readKey(reader)
      index.add(readLatin1(bytes, start, reader.position), key)
    }
    return index
  }
}

/** The shortest text above `before` that `behind`, which comes after it, begins with. */
function separator(before: string, behind: string): string {
  let length = 0
  while (before.charCodeAt(length) === behind.charCodeAt(length)) length++
  return behind.slice(0, length + 1)
}

/** Two ascending lists as one; what is in both, or twice in one, comes once. */
function merge(a: readonly string[], b: readonly string[]): readonly string[] {
  if (b.length === 0) return a
  const merged: string[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const next = j >= b.length || (i < a.length && a[i]! <= b[j]!) ? a[i++]! : b[j++]!
    if (merged.at(-1) !== next) merged.push(next)
  }
  return merged
}
