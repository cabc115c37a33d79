import { bitOf, hashOn, mix, NO_BYTES_HASH, probeStep } from '../key-hash.ts'
import type { PlacedEntry } from '../state/state-backend.ts'
import { endOfOwner } from '../state/snapshot-format.ts'

/** Bits a hash and probes a look-up: about 1 % of the keys that are not in a block are taken for being there. */
const BITS_PER_HASH = 10
const PROBES = 6

/**
 * The hash under which the filter has a `clear` besides that of its key: entries of other keys below it have that one too,
 * and whoever looks for a `clear` must not be led to each block that holds some of them.
 */
export function clearHash(hash: number): number {
  return hash ^ 0x5bd1_e995
}

/** Collects what the Bloom filter of a block has to find: the key of every entry, and what stands before its sub-key. */
export class SegmentFilterBuilder {
  #hashes: Uint32Array = new Uint32Array(256)
  #count = 0
  #lastPrefix = 0

  add({ kind, bytes, keyStart, keyEnd }: PlacedEntry): void {
    const end = endOfOwner(bytes, keyStart, keyEnd)
    const isWhole = end < 0 || end === keyEnd
    const owner = hashOn(NO_BYTES_HASH, bytes, keyStart, isWhole ? keyEnd : end)
    const hash = mix(isWhole ? owner : hashOn(owner, bytes, end, keyEnd))
    this.#addHash(hash)
    if (kind === 'clear') this.#addHash(clearHash(hash))
    if (isWhole) return
    const prefix = mix(owner)
    // Neighbours mostly have the same.
    if (prefix !== this.#lastPrefix) this.#addHash(prefix)
    this.#lastPrefix = prefix
  }

  /** The filter of what has been added, and starts over. */
  build(): Uint8Array {
    const filter = new Uint8Array(Math.ceil((this.#count * BITS_PER_HASH) / 8))
    const bits = filter.length * 8
    for (let i = 0; i < this.#count; i++) {
      const hash = this.#hashes[i]!
      const step = probeStep(hash)
      for (let probe = 0, at = hash; probe < PROBES; probe++, at = (at + step) | 0) {
        const bit = bitOf(at, bits)
        filter[bit >>> 3]! |= 1 << (bit & 7)
      }
    }
    this.#count = 0
    this.#lastPrefix = 0
    return filter
  }

  #addHash(hash: number): void {
    if (this.#count === this.#hashes.length) {
      const grown = new Uint32Array(this.#count * 2)
      grown.set(this.#hashes)
      this.#hashes = grown
    }
    this.#hashes[this.#count++] = hash
  }
}

/**
 * Whether a block may hold something with this hash (`hashBytes`): the key of an entry, or what stands before the sub-keys of
 * several. False is certain. The filter is `length` bytes of `bytes`, from `start` on.
 */
export function filterMightHold(
  bytes: Uint8Array,
  start: number,
  length: number,
  hash: number,
): boolean {
  const bits = length * 8
  const step = probeStep(hash)
  for (let probe = 0, at = hash; probe < PROBES; probe++, at = (at + step) | 0) {
    const bit = bitOf(at, bits)
    if ((bytes[start + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return false
  }
  return true
}
