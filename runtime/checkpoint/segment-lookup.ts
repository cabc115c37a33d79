import type { StateEntry } from '../state/state-backend.ts'
import type { PinnedFile } from './checkpoint-storage.ts'
import { compareKeys, compareWithin, startsWith } from './entry-order.ts'
import { clearHash } from './segment-filter.ts'
import { BlockCursor, checkBlock, decodeBlock } from './segment-format.ts'
import type { BlockInfo } from './segment-index.ts'
import { describeDamage, type SegmentReader } from './segment-reader.ts'
import type { BlockCache } from './block-cache.ts'

/** What a segment says of a key: its value, that it is deleted, or nothing. */
export type Found = Uint8Array | 'deleted' | undefined

/**
 * Look-ups in one segment, at once: filter, index, one block, which is read and checked where the cache does not have it.
 *
 * A look-up of a key that is not there costs no block in 99 of 100 cases.
 */
export class SegmentLookup {
  readonly #reader: SegmentReader
  readonly #file: PinnedFile
  readonly #cache: BlockCache
  readonly #number: number

  /** `number`: what tells it from the other segments that share the cache. */
  constructor(reader: SegmentReader, file: PinnedFile, cache: BlockCache, number: number) {
    this.#reader = reader
    this.#file = file
    this.#cache = cache
    this.#number = number
  }

  /** Whether a manifest names what this segment has of a key group. */
  covers(keyGroup: number): boolean {
    const { first, last } = this.#reader.reference.range
    return keyGroup >= first && keyGroup <= last
  }

  /** What it says of the entry with this key. The value is a view: copy what is to stay. */
  get(key: Uint8Array, hash: number): Found {
    const { index } = this.#reader
    const number = index.find(key)
    if (number < 0 || !index.mightHold(number, hash)) return undefined
    const bytes = this.#block(number)
    const cursor = new BlockCursor(bytes)
    while (cursor.next()) {
      const order = compareWithin(bytes, cursor.keyStart, cursor.keyEnd, key)
      if (order > 0) return undefined
      if (order < 0 || cursor.kind === 'clear') continue
      return cursor.kind === 'delete' ? 'deleted' : bytes.subarray(cursor.keyEnd, cursor.valueEnd)
    }
    return undefined
  }

  /** Whether it has a `clear` of exactly this key. */
  isCleared(key: Uint8Array, hash: number): boolean {
    const { index } = this.#reader
    const last = index.find(key)
    // A block that begins with what has the key of the clear may have it at the end of the one before.
    for (let number = last; number >= 0 && number >= last - 1; number--) {
      if (index.mightHold(number, clearHash(hash)) && this.#hasClear(number, key)) return true
      if (index.compareFirst(number, key) < 0) return false
    }
    return false
  }

  #hasClear(number: number, key: Uint8Array): boolean {
    const bytes = this.#block(number)
    const cursor = new BlockCursor(bytes)
    while (cursor.next()) {
      const order = compareWithin(bytes, cursor.keyStart, cursor.keyEnd, key)
      if (order === 0 && cursor.kind === 'clear') return true
      if (order > 0) return false
    }
    return false
  }

  /** Whether it may have a put or delete of this key, or of one that begins with it and goes on with a sub-key. */
  mightHold(key: Uint8Array, hash: number): boolean {
    const { index } = this.#reader
    const number = index.find(key)
    if (number >= 0 && index.mightHold(number, hash)) return true
    return number + 1 < index.length && index.firstStartsWith(number + 1, key)
  }

  /**
   * All puts and deletes whose key begins with this one and goes on with a sub-key from `from` on and below `before`, ascending.
   */
  below(key: Uint8Array, hash: number, from: Uint8Array, before?: Uint8Array): StateEntry[] {
    const { index } = this.#reader
    const found: StateEntry[] = []
    const start = Buffer.concat([key, from])
    const end = before === undefined ? undefined : Buffer.concat([key, before])
    const first = Math.max(0, index.find(start))
    for (let number = first; number < index.length; number++) {
      if (number > first && !index.firstStartsWith(number, key)) break
      if (end !== undefined && index.compareFirst(number, end) >= 0) break
      if (!index.mightHold(number, hash)) continue
      // Their views stay, so each block has memory of its own.
      const block = index.block(number)
      const bytes = new Uint8Array(block.bytes)
      this.#read(bytes, block)
      for (const entry of decodeBlock(bytes, block)) {
        if (entry.key.length === key.length || !startsWith(entry.key, key)) continue
        if (compareKeys(entry.key, start) < 0) continue
        if (end !== undefined && compareKeys(entry.key, end) >= 0) break
        found.push(entry)
      }
    }
    return found
  }

  /** The sub-keys with which blocks begin, of those keys that begin with this one. */
  bounds(key: Uint8Array): Uint8Array[] {
    const { index } = this.#reader
    const found: Uint8Array[] = []
    for (let number = index.find(key) + 1; number < index.length; number++) {
      if (!index.firstStartsWith(number, key)) break
      found.push(index.firstKey(number).subarray(key.length))
    }
    return found
  }

  #block(number: number): Uint8Array {
    const block = this.#reader.index.block(number)
    return this.#cache.get(this.#number, number, block.bytes, (target) => this.#read(target, block))
  }

  #read(target: Uint8Array, block: BlockInfo): void {
    try {
      this.#file.readSync(block.offset, target)
      checkBlock(target, block)
    } catch (error) {
      throw describeDamage(error, this.#reader.reference.file, block)
    }
  }
}
