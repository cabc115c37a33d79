import { bitOf, hashBytes, probeStep } from '../key-hash.ts'

/** Bits a key and probes a look-up: about 1 % of the keys that were never added are taken for added. */
const BITS_PER_KEY = 10
const PROBES = 6
const FIRST_KEYS = 8_192
const BITS_A_BYTE = 8
const GROWTH = 4

interface Layer {
  readonly bits: Uint8Array
  readonly capacity: number
  count: number
}

/**
 * Remembers which keys have ever been written to a working copy, so that a key that is new costs no look-up there: a
 * Bloom filter that grows by layers.
 *
 * Never forgets: a key that was added is always found. About one key in a hundred that was not is found as well, more of them
 * once the filter has reached its limit.
 */
export class SpillFilter {
  readonly #layers: Layer[] = []
  readonly #maxBytes: number
  readonly #firstKeys: number
  #byteLength = 0

  /** `expected`: keys to come, if that is known: one layer for all of them tells more than several. */
  constructor(maxBytes: number, expected: number = 0) {
    this.#maxBytes = maxBytes
    this.#firstKeys = Math.max(FIRST_KEYS, expected)
  }

  get byteLength(): number {
    return this.#byteLength
  }

  add(bytes: Uint8Array, length: number): void {
    const hash = hashBytes(bytes, 0, length)
    const step = probeStep(hash)
    const layer = this.#writable()
    layer.count++
    const { bits } = layer
    const size = bits.length * BITS_A_BYTE
    for (let i = 0, at = hash; i < PROBES; i++, at = (at + step) | 0) {
      const bit = bitOf(at, size)
      bits[bit >>> 3]! |= 1 << (bit & 7)
    }
  }

  mightHold(bytes: Uint8Array, length: number): boolean {
    const hash = hashBytes(bytes, 0, length)
    const step = probeStep(hash)
    for (const { bits } of this.#layers) if (isIn(bits, hash, step)) return true
    return false
  }

  #writable(): Layer {
    const last = this.#layers.at(-1)
    if (last !== undefined && last.count < last.capacity) return last
    const capacity = last === undefined ? this.#firstKeys : last.capacity * GROWTH
    let byteLength = bytesFor(capacity)
    if (last === undefined) {
      byteLength = Math.min(byteLength, Math.max(Math.floor(this.#maxBytes), bytesFor(FIRST_KEYS)))
    } else if (this.#byteLength + byteLength > this.#maxBytes) return last
    const layer = { bits: new Uint8Array(byteLength), capacity, count: 0 }
    this.#layers.push(layer)
    this.#byteLength += byteLength
    return layer
  }
}

function bytesFor(keys: number): number {
  return Math.ceil((keys * BITS_PER_KEY) / BITS_A_BYTE)
}

function isIn(bits: Uint8Array, hash: number, step: number): boolean {
  const size = bits.length * BITS_A_BYTE
  for (let i = 0, at = hash; i < PROBES; i++, at = (at + step) | 0) {
    const bit = bitOf(at, size)
    if ((bits[bit >>> 3]! & (1 << (bit & 7))) === 0) return false
  }
  return true
}
