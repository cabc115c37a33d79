import type { Key } from '../key.ts'

/**
 * One value per key.
 *
 * What `value` returns may be changed in place only if `update` follows in the same callback; the reference ends with
 * the callback (R16).
 */
export interface ValueState<T> {
  /** The value of the current key, undefined if there is none. */
  value(): T | undefined
  /** Sets it; `update(undefined)` is `clear()`. */
  update(value: T): void
  clear(): void
}

/** A list per key, in the order of `add`. */
export interface ListState<T> {
  /** The elements, an empty list if there are none; read-only, as R16 has it. Costs nothing per element. */
  get(): readonly T[]
  add(value: T): void
  addAll(values: readonly T[]): void
  /** Replaces the whole list; an empty one is `clear()`. */
  update(values: readonly T[]): void
  clear(): void
}

/** A map per key; iteration follows the order of the encoded map keys, in every backend (R17). */
export interface MapState<K extends Key, V> {
  get(key: K): V | undefined
  has(key: K): boolean
  put(key: K, value: V): void
  remove(key: K): void
  /** Entries may be removed and put while iterating; entries put during it may or may not be visited. */
  entries(): IterableIterator<[K, V]>
  keys(): IterableIterator<K>
  values(): IterableIterator<V>
  isEmpty(): boolean
  clear(): void
}

/** What a function declares of a state, so that `plan` can list it and snapshots can be checked. */
export interface StateDescriptor<Kind extends StateKind = StateKind, V = unknown, K = unknown> {
  readonly kind: Kind
  /** Schema version of the values, ≥ 1; written into every snapshot. */
  readonly version: number
  /** Set by the operator that declares it: the name within the operator. */
  readonly name: string
  /** Only for type inference; never set. */
  readonly _value?: V
  readonly _key?: K
}

export type StateKind = 'value' | 'list' | 'map'

/** The handle that a descriptor gives. */
export type StateHandle<D extends StateDescriptor> =
  D extends StateDescriptor<'value', infer V>
    ? ValueState<V>
    : D extends StateDescriptor<'list', infer V>
      ? ListState<V>
      : D extends StateDescriptor<'map', infer V, infer K extends Key>
        ? MapState<K, V>
        : never

/** Options of a state declaration. */
export interface StateOptions {
  /** Schema version of the values. Default 1. */
  readonly version?: number
}

/** Declares one value per key. */
export function valueState<T>(options?: StateOptions): StateDescriptor<'value', T> {
  return { kind: 'value', version: options?.version ?? 1, name: '' }
}

/** Declares a list per key. */
export function listState<T>(options?: StateOptions): StateDescriptor<'list', T> {
  return { kind: 'list', version: options?.version ?? 1, name: '' }
}

/** Declares a map per key. */
export function mapState<K extends Key, V>(options?: StateOptions): StateDescriptor<'map', V, K> {
  return { kind: 'map', version: options?.version ?? 1, name: '' }
}
