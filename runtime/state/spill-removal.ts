import { endOfKey } from '../key-encoding.ts'

/** What it takes besides the keys. */
const FIXED_BYTES = 400

/**
 * Many entries of a map that are to be deleted, kept as what their keys begin with and the sub-keys, one behind the other: a
 * write for each would take ten times the room.
 */
export class SpillRemoval {
  readonly number: number
  readonly prefix: Uint8Array
  readonly #subKeys: Uint8Array
  #at = 0

  constructor(number: number, prefix: Uint8Array, subKeys: Uint8Array) {
    this.number = number
    this.prefix = prefix
    this.#subKeys = subKeys
  }

  /** Bytes that it takes until it has landed. */
  get bytes(): number {
    return FIXED_BYTES + this.prefix.length + this.#subKeys.length
  }

  /** All keys have been taken. */
  get isTaken(): boolean {
    return this.#at === this.#subKeys.length
  }

  /** The next keys, at most `limit`. */
  take(limit: number): Uint8Array[] {
    const keys: Uint8Array[] = []
    while (keys.length < limit && !this.isTaken) {
      const end = endOfKey(this.#subKeys, this.#at, this.#subKeys.length)
      const key = new Uint8Array(this.prefix.length + end - this.#at)
      key.set(this.prefix)
      key.set(this.#subKeys.subarray(this.#at, end), this.prefix.length)
      keys.push(key)
      this.#at = end
    }
    return keys
  }

  /** Whether it is about an entry with this key, as far as the prefix tells. */
  isAbout(key: Uint8Array): boolean {
    const { prefix } = this
    if (key.length <= prefix.length) return false
    for (let i = 0; i < prefix.length; i++) if (key[i] !== prefix[i]) return false
    return true
  }
}
