import { mix } from '../key-hash.ts'

/** Parts of a table: each grows by itself, so that the longest step is a small share of all. A power of two. */
const PARTS = 64
const PART_BITS = 6
const FIRST_CAPACITY = 16
/** How full a part may be. */
const MAX_LOAD = 0.7

const scratch = new Float64Array(1)
const words = new Uint32Array(scratch.buffer)

/**
 * A map from numbers, but for NaN, to objects; 0 and −0 are one.
 *
 * Against a `Map`, which finds a number that is no small integer by way of three objects, a look-up reads two arrays: a third of
 * the time where the table is much larger than the processor's caches. Entries are not removed one by one.
 */
export class NumberTable<V extends object> {
  readonly #parts: Part<V>[] = Array.from({ length: PARTS }, () => new Part<V>())

  get(key: number): V | undefined {
    const hash = hashOf(key)
    return this.#parts[hash >>> (32 - PART_BITS)]!.get(key, hash)
  }

  /** Adds an entry; the key is not in the table. */
  add(key: number, value: V): void {
    const hash = hashOf(key)
    this.#parts[hash >>> (32 - PART_BITS)]!.add(key, hash, value)
  }

  /** Keeps the entries of one part for which this is true: O(its entries). Parts are numbered from 0 to before `parts`. */
  keep(part: number, isKept: (value: V) => boolean): void {
    this.#parts[part]!.keep(isKept)
  }

  get parts(): number {
    return PARTS
  }

  /** All values; goes on through changes: what is there all the time is seen at least once, perhaps twice. */
  *values(): IterableIterator<V> {
    for (const part of this.#parts) yield* part.all()
  }

  clear(): void {
    for (const part of this.#parts) part.keep(() => false)
  }
}

/** A hash table with linear probing. */
class Part<V extends object> {
  /** NaN is an empty place. */
  #keys: Float64Array = emptyKeys(FIRST_CAPACITY)
  #values: (V | undefined)[] = emptyValues(FIRST_CAPACITY)
  #count = 0

  get(key: number, hash: number): V | undefined {
    const keys = this.#keys
    const mask = keys.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const found = keys[at]!
      if (found === key) return this.#values[at]
      if (found !== found) return undefined
    }
  }

  add(key: number, hash: number, value: V): void {
    if (++this.#count > this.#keys.length * MAX_LOAD) this.#rebuild(this.#keys.length * 2)
    this.#put(key, hash, value)
  }

  #put(key: number, hash: number, value: V): void {
    const keys = this.#keys
    const mask = keys.length - 1
    let at = hash & mask
    while (keys[at] === keys[at]) at = (at + 1) & mask
    keys[at] = key
    this.#values[at] = value
  }

  keep(isKept: (value: V) => boolean): void {
    const values = this.#values
    let count = 0
    for (let at = 0; at < values.length; at++) {
      const value = values[at]
      if (value === undefined) continue
      if (isKept(value)) count++
      else values[at] = undefined
    }
    if (count === this.#count) return
    this.#count = count
    let capacity = FIRST_CAPACITY
    while (count > capacity * MAX_LOAD) capacity *= 2
    this.#rebuild(capacity)
  }

  #rebuild(capacity: number): void {
    const keys = this.#keys
    const values = this.#values
    this.#keys = emptyKeys(capacity)
    this.#values = emptyValues(capacity)
    for (let at = 0; at < keys.length; at++) {
      const value = values[at]
      if (value !== undefined) this.#put(keys[at]!, hashOf(keys[at]!), value)
    }
  }

  /** Begins again where everything has got another place meanwhile. */
  *all(): IterableIterator<V> {
    let values = this.#values
    for (let at = 0; at < values.length; at++) {
      const value = values[at]
      if (value === undefined) continue
      yield value
      if (values === this.#values) continue
      values = this.#values
      at = -1
    }
  }
}

function emptyKeys(capacity: number): Float64Array {
  return new Float64Array(capacity).fill(NaN)
}

function emptyValues<V>(capacity: number): (V | undefined)[] {
  return new Array<V | undefined>(capacity).fill(undefined)
}

/** All bits of a number mixed into 32. */
function hashOf(key: number): number {
  scratch[0] = key === 0 ? 0 : key
  return mix(words[0]! ^ Math.imul(words[1]!, 0x9e3779b1))
}
