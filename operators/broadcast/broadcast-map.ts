import { deepFreeze } from '../../runtime/deep-freeze.ts'
import { canonicalKey } from '../../runtime/key-encoding.ts'
import type { CanonicalKey, Key } from '../../runtime/key.ts'
import { decodeVersioned, encodeBroadcast } from '../../runtime/state/broadcast-format.ts'
import { orderOf } from '../../runtime/state/map-index.ts'
import { ownKey } from '../../runtime/state/own-key.ts'

/** One entry; it stays the same object while its value is replaced. */
export interface BroadcastEntry {
  readonly key: Key
  /** The bytes of the key as text that `<` orders as the bytes are ordered (R17). */
  readonly order: string
  value: unknown
  /** False once it has been removed, for those who still iterate over it. */
  isThere: boolean
}

/**
 * The entries of one broadcast state in one subtask: found by key, and in the order of the encoded keys (R17).
 *
 * Values are its own, and frozen: many records read one rule, and it is written seldom. Putting costs an encoding of the value,
 * the first iteration after keys have come or gone O(n log n), the first snapshot after a change O(size).
 */
export class BroadcastMap {
  readonly #entries: Map<CanonicalKey, BroadcastEntry> = new Map()
  #sorted: readonly BroadcastEntry[] | undefined
  #encoded: Uint8Array | undefined

  get size(): number {
    return this.#entries.size
  }

  find(key: Key): BroadcastEntry | undefined {
    return this.#entries.get(canonicalKey(key))
  }

  /** The value must be the map's own; it is frozen. */
  set(key: Key, value: unknown): BroadcastEntry {
    deepFreeze(value)
    this.#encoded = undefined
    const found = this.find(key)
    if (found !== undefined) {
      found.value = value
      return found
    }
    const owned = ownKey(key)
    deepFreeze(owned)
    const entry = { key: owned, order: orderOf(owned), value, isThere: true }
    this.#entries.set(canonicalKey(owned), entry)
    this.#sorted = undefined
    return entry
  }

  delete(key: Key): void {
    const found = this.find(key)
    if (found === undefined) return
    found.isThere = false
    this.#entries.delete(canonicalKey(key))
    this.#changed()
  }

  clear(): void {
    for (const entry of this.#entries.values()) entry.isThere = false
    this.#entries.clear()
    this.#changed()
  }

  #changed(): void {
    this.#sorted = undefined
    this.#encoded = undefined
  }

  /** The entries of this moment in order; a list of its own, which later changes do not touch. */
  sorted(): readonly BroadcastEntry[] {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => (a.order < b.order ? -1 : 1))
    return this.#sorted
  }

  /** All of it as bytes, for a checkpoint; `what` begins messages. */
  encode(what: string, version = 1): Uint8Array {
    const pairs = (): [Key, unknown][] => this.sorted().map(({ key, value }) => [key, value])
    this.#encoded ??= encodeBroadcast(pairs(), what, version)
    return this.#encoded
  }

  /** The reverse of `encode`, into an empty map; `upcast` makes values of another version than the state has into such. */
  restore(bytes: Uint8Array, upcast: (value: unknown, version: number, key: Key) => unknown): void {
    const { version, entries } = decodeVersioned(bytes)
    for (const [key, value] of entries) this.set(key, upcast(value, version, key))
  }
}
