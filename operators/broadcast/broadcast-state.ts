import type { Key } from '../../runtime/key.ts'
import type { StateDescriptor } from '../../runtime/state/state.ts'

/**
 * Broadcast state as the side sees it that may only read: the records of the stream itself, and timers.
 *
 * Every subtask has a copy of its own, which is the same as the others' once they have seen the same broadcast records.
 * What it returns is frozen; writing fails with `MR_STATE_READ_ONLY`. Iteration follows the order of the encoded keys (R17).
 */
export interface ReadOnlyBroadcastState<K extends Key, V> {
  get(key: K): V | undefined
  has(key: K): boolean
  entries(): IterableIterator<[K, V]>
  keys(): IterableIterator<K>
  values(): IterableIterator<V>
  isEmpty(): boolean
}

/**
 * Broadcast state as `processBroadcastElement` sees it. Must be changed in the same way in every subtask: by nothing but the
 * broadcast records, never by the clock, by chance or by which subtask it is.
 *
 * Values are copied when they are put and when they are read here, so a value may be changed in place and put again. Costs
 * memory in each subtask, and time in proportion to its size in a checkpoint before which it was changed.
 */
export interface BroadcastState<K extends Key, V> extends ReadOnlyBroadcastState<K, V> {
  put(key: K, value: V): void
  remove(key: K): void
  clear(): void
}

/** The broadcast states of a function by name: map states, as in Flink. */
export type BroadcastStateDeclarations = Readonly<
  Record<string, StateDescriptor<'map', unknown, Key>>
>

/** What declared broadcast states are where they may be written. */
export type DeclaredBroadcastState<B extends BroadcastStateDeclarations> = {
  readonly [Name in keyof B]: B[Name] extends StateDescriptor<'map', infer V, infer K extends Key>
    ? BroadcastState<K, V>
    : never
}

/** What they are where they may only be read. */
export type ReadableBroadcastState<B extends BroadcastStateDeclarations> = {
  readonly [Name in keyof B]: B[Name] extends StateDescriptor<'map', infer V, infer K extends Key>
    ? ReadOnlyBroadcastState<K, V>
    : never
}
