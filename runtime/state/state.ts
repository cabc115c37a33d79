import type { Duration } from '../duration.ts'
import type { Key } from '../key.ts'
import { checkOptionNames } from '../option-names.ts'
import { type PlainStateOptions, STATE_OPTIONS, type StateOptions } from './state-options.ts'
import type { TtlOptions } from './state-ttl.ts'
import type { Upcasts } from './upcasts.ts'

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
  /**
   * The elements, an empty list if there are none; read-only, as R16 has it. Costs nothing per element while the list is
   * short (about 8 KiB in memory); a longer one is put together from its pieces.
   */
  get(): readonly T[]
  /** Whether there is no element; one that has expired and is still there counts. Costs the same however long the list is. */
  isEmpty(): boolean
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
  /** Whether there is no entry; one that has expired and is still there counts (semantics 2.17). */
  isEmpty(): boolean
  clear(): void
}

/** One value per key that each added value is reduced into. */
export interface ReducingState<T> {
  /** What the values have come to, undefined if there are none; read-only, as R16 has it. */
  get(): T | undefined
  /** The first value is kept as it is, any other is reduced with what is there. */
  add(value: T): void
  clear(): void
}

/** One accumulator per key that values of another type are added to. */
export interface AggregatingState<In, R> {
  /** The result by now, undefined if nothing has been added. */
  get(): R | undefined
  add(value: In): void
  clear(): void
}

/** How a reducing state combines what there is with one value more: returns a new value and changes neither. */
export type StateReducer<T> = (reduced: T, value: T) => T

/**
 * How an aggregating state folds values into an accumulator, which is what is stored: within the type table (R18), never
 * undefined. `add` may change it in place.
 */
export interface StateAggregator<In, Acc, R> {
  /** An empty accumulator, for the first value of a key. */
  create(): Acc
  /** The accumulator with one value more in it. */
  add(accumulator: Acc, value: In): Acc
  /** What `get` returns; must leave the accumulator as it is. */
  result(accumulator: Acc): R
  /** Two accumulators in one; only needed where windows merge. */
  merge?(a: Acc, b: Acc): Acc
}

/** What a function declares of a state, so that `plan` can list it and snapshots can be checked. */
export interface StateDescriptor<Kind extends StateKind = StateKind, V = unknown, K = unknown> {
  readonly kind: Kind
  /** Schema version of the values, ≥ 1; written into every snapshot. */
  readonly version: number
  /** Set by the operator that declares it: the name within the operator. */
  readonly name: string
  /** As declared; checked when the graph is built. Undefined: values stay until they are cleared. */
  readonly ttl?: Duration | TtlOptions | undefined
  /** Make values of older versions into those of `version`. Functions never cross threads: each thread declares anew. */
  readonly upcasts?: Upcasts | undefined
  /** Of reducing states. */
  readonly reduce?: (reduced: never, value: never) => unknown
  /** Of aggregating states. */
  readonly aggregate?: AnyAggregator
  /** Only for type inference; never set. What is read of it. */
  readonly _value?: V
  /** Only for type inference; never set. Keys of a map; what is added to an aggregating state. */
  readonly _key?: K
}

interface AnyAggregator {
  create(): unknown
  add(accumulator: never, value: never): unknown
  result(accumulator: never): unknown
  merge?(a: never, b: never): unknown
}

export const STATE_KINDS = ['value', 'list', 'map', 'reducing', 'aggregating'] as const

export type StateKind = (typeof STATE_KINDS)[number]

/** The handle that a descriptor gives. */
export type StateHandle<D extends StateDescriptor> =
  D extends StateDescriptor<'value', infer V>
    ? ValueState<V>
    : D extends StateDescriptor<'list', infer V>
      ? ListState<V>
      : D extends StateDescriptor<'map', infer V, infer K extends Key>
        ? MapState<K, V>
        : D extends StateDescriptor<'reducing', infer V>
          ? ReducingState<V>
          : D extends StateDescriptor<'aggregating', infer R, infer In>
            ? AggregatingState<In, R>
            : never

/**
 * Declares one value per key.
 *
 * @example
 * const declared = processFunction({
 *   state: { seen: valueState<number>({ ttl: '7d' }) },
 *   processElement(user: User, ctx, out: Out<string>) {
 *     if (ctx.state.seen.value() === undefined) out.emit(user.name)
 *     ctx.state.seen.update(ctx.timestamp)
 *   },
 * })
 */
export function valueState<T>(options?: StateOptions<T>): StateDescriptor<'value', T> {
  return { kind: 'value', ...common('valueState', options) }
}

/** Declares a list per key. Upcasts make one element of it. */
export function listState<T>(options?: StateOptions<T>): StateDescriptor<'list', T> {
  return { kind: 'list', ...common('listState', options) }
}

/** Declares a map per key. Upcasts make one value of it. */
export function mapState<K extends Key, V>(
  options?: StateOptions<V>,
): StateDescriptor<'map', V, K> {
  return { kind: 'map', ...common('mapState', options) }
}

/**
 * Declares one value per key that each added value is reduced into.
 *
 * @example
 * const largest = reducingState((a: number, b: number) => Math.max(a, b), { ttl: '1h' })
 */
export function reducingState<T>(
  reduce: StateReducer<T>,
  options?: StateOptions<NoInfer<T>>,
): StateDescriptor<'reducing', T> {
  return { kind: 'reducing', ...common('reducingState', options), reduce }
}

/**
 * Declares one accumulator per key that values of another type are added to.
 *
 * @example
 * const average = aggregatingState({
 *   create: () => ({ sum: 0, count: 0 }),
 *   add: (all, value: number) => ({ sum: all.sum + value, count: all.count + 1 }),
 *   result: (all) => all.sum / all.count,
 * })
 */
export function aggregatingState<In, Acc, R>(
  aggregate: StateAggregator<In, Acc, R>,
  options?: StateOptions<NoInfer<Acc>>,
): StateDescriptor<'aggregating', R, In> {
  return { kind: 'aggregating', ...common('aggregatingState', options), aggregate }
}

function common(maker: string, options: PlainStateOptions | undefined) {
  checkOptionNames(options, STATE_OPTIONS, `${maker}()`)
  const { version = 1, ttl, upcasts } = options ?? {}
  return {
    version,
    name: '',
    ...(ttl === undefined ? {} : { ttl }),
    ...(upcasts === undefined ? {} : { upcasts }),
  }
}
