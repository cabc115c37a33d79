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

/**
 * The keys of one map, in the order of their encodings: needed as LevelDB cannot be iterated synchronously.
 *
 * Adding and removing cost O(1); the first `sorted` after them O(n), plus O(a log a) for a keys added.
 */
export class MapIndex {
  readonly #keys: Map<string, Key> = new Map()
  #sorted: readonly string[] = []
  /** Keys that may be missing in `#sorted`; those removed may still be there. */
  #added: string[] = []
  #isStale = false
  #bytes = 0

  get size(): number {
    return this.#keys.size
  }

  /** An estimate of the memory it takes. */
  get bytes(): number {
    return this.#bytes
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
    this.#bytes += KEY_BYTES + order.length
    this.#added.push(order)
    this.#isStale = true
  }

  delete(order: string): void {
    if (!this.#keys.delete(order)) return
    this.#bytes -= KEY_BYTES + order.length
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
