import type { SnapshotEntry } from '../inspect/snapshot-entry.ts'
import type { Key } from '../key.ts'
import type { TimeDomain } from '../state/state-backend.ts'
import type { OperatorStateDescriptor } from '../state/operator-state.ts'
import type { StateDescriptor } from '../state/state.ts'

/** Entries to write: an array, a generator, or anything that can be iterated over, at once or as it comes. */
export type Entries<E> = Iterable<E> | AsyncIterable<E>

/** Whose entry it is. */
export interface NewEntryOwner {
  readonly key: Key
  /** Default: the default one. Windows keep their contents under others: see what `state export` shows of them. */
  readonly namespace?: Key
  /** When it was last used, in milliseconds: for state with a time to live. Default: it counts from its first use. */
  readonly lastAccess?: number
}

/**
 * An entry to write, by the kind of its state: a value, all elements of a list, some entries of a map, what the values of a
 * reducing state have come to, or the accumulator of an aggregating one.
 */
export type NewEntry<D extends StateDescriptor> = NewEntryOwner & { readonly value: NewValue<D> }

type NewValue<D extends StateDescriptor> =
  D extends StateDescriptor<'value' | 'reducing', infer V>
    ? V
    : D extends StateDescriptor<'list', infer V>
      ? readonly V[]
      : D extends StateDescriptor<'map', infer V, infer K extends Key>
        ? ReadonlyMap<K, V>
        : unknown

/** A timer to write. */
export interface NewTimer {
  readonly key: Key
  readonly namespace?: Key
  /** In milliseconds. */
  readonly timestamp: number
}

/** What becomes of one state in a savepoint that is written; made by `changeState` and its like. */
export type StateEdit =
  | { readonly edit: 'change'; readonly change: (entry: SnapshotEntry<never>) => unknown }
  | { readonly edit: 'drop' }
  | { readonly edit: 'rename'; readonly to: string }
  | {
      readonly edit: 'put'
      /** What the snapshot has of it is left out. */
      readonly replaces: boolean
      readonly descriptor: StateDescriptor
      readonly entries: Entries<NewEntryOwner & { readonly value: unknown }>
    }
  | {
      readonly edit: 'broadcast'
      readonly descriptor: StateDescriptor
      readonly entries: Entries<readonly [Key, unknown]>
    }
  | {
      readonly edit: 'list'
      readonly descriptor: OperatorStateDescriptor
      readonly items: Entries<unknown>
    }
  | {
      readonly edit: 'timers'
      readonly domain: TimeDomain
      readonly entries: Entries<NewTimer>
    }

/**
 * Changes the values of a state one by one, in their order: what the function returns takes the place of `entry.value`, and
 * undefined drops the entry. A time of last access stays as it was. Of broadcast state entries are changed, of lists
 * of subtasks the array of each, of `!operator` what each subtask keeps.
 *
 * @example
 * changeState<number>(({ key, value }) => (key === 'test' ? undefined : value * 100))
 */
export function changeState<V = unknown>(
  change: (entry: SnapshotEntry<V>) => V | undefined,
): StateEdit {
  return { edit: 'change', change }
}

/** Leaves a state out. */
export function dropState(): StateEdit {
  return { edit: 'drop' }
}

/**
 * Gives a state another name within its operator; its entries stay.
 *
 * @example
 * renameState('recentPayments')
 */
export function renameState(to: string): StateEdit {
  return { edit: 'rename', to }
}

/**
 * Fills a state from entries, in any order and of any number: they are sorted on the disk. Of a key and namespace (and map key)
 * that comes twice the later one counts. What the snapshot has of the state is left out; with `putEntries` it stays.
 *
 * @example
 * bootstrapState(valueState<number>(), [{ key: 'a', value: 1 }, { key: 'b', value: 2 }])
 */
export function bootstrapState<D extends StateDescriptor>(
  descriptor: D,
  entries: Entries<NewEntry<D>>,
): StateEdit {
  return { edit: 'put', replaces: true, descriptor, entries }
}

/** As `bootstrapState`, but entries that the snapshot has for other keys stay. */
export function putEntries<D extends StateDescriptor>(
  descriptor: D,
  entries: Entries<NewEntry<D>>,
): StateEdit {
  return { edit: 'put', replaces: false, descriptor, entries }
}

/**
 * Fills a broadcast state, which every subtask then has a copy of.
 *
 * @example
 * bootstrapBroadcast(mapState<string, number>(), new Map([['limit', 100]]))
 */
export function bootstrapBroadcast<K extends Key, V>(
  descriptor: StateDescriptor<'map', V, K>,
  entries: Entries<readonly [K, V]>,
): StateEdit {
  return { edit: 'broadcast', descriptor, entries }
}

/**
 * Fills a list that subtasks keep (`operatorState`): the items are shared out among those that the snapshot has of the operator.
 *
 * @example
 * bootstrapOperatorState(operatorListState<string>(), ['a', 'b'])
 */
export function bootstrapOperatorState<T>(
  descriptor: OperatorStateDescriptor<T>,
  items: Entries<T>,
): StateEdit {
  return { edit: 'list', descriptor, items }
}

/** Sets the timers of an operator, in place of those that the snapshot has in that time domain. */
export function bootstrapTimers(domain: TimeDomain, entries: Entries<NewTimer>): StateEdit {
  return { edit: 'timers', domain, entries }
}
