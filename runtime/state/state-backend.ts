import type { Clock } from '../clock.ts'
import type { Key } from '../key.ts'
import type { StateDescriptor, StateHandle } from './state.ts'
import type { EventTtlTime } from './ttl-time.ts'

/** A contiguous, inclusive range of key groups. */
export interface KeyGroupRange {
  readonly first: number
  readonly last: number
}

/**
 * A change to state in the form in which it is stored: sorted by `key` (bytewise), it makes up segments.
 *
 * `key` = key group (u16 big-endian) · state id (u16 big-endian) · encoded key · encoded namespace · sub-key, each part
 * self-delimiting and in the order of what it encodes (layout drawn in `snapshot-format.ts`). `clear` removes every older
 * entry whose key starts with this one, and sorts before them; in the same segment the entries that follow it survive.
 */
export interface StateEntry {
  readonly key: Uint8Array
  readonly kind: 'put' | 'delete' | 'clear'
  /** For `put`: codec id (u8) · schema version (u16) · encoded value. Empty otherwise. */
  readonly value: Uint8Array
}

/** An entry as it lies in bytes: its key from `keyStart` to `keyEnd`, its value from there to `valueEnd`. */
export interface PlacedEntry {
  readonly kind: StateEntry['kind']
  readonly bytes: Uint8Array
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueEnd: number
}

/**
 * Goes through entries in ascending order, and says where each lies: makes nothing for one.
 *
 * At first it stands before the first one. Whoever has it calls `close` when nothing more is read, also after a failure.
 */
export interface EntryCursor extends PlacedEntry {
  /** Moves on to the next entry, what was said of the one before is over; false where there is none. */
  next(): boolean
  close(): void
}

/** A state as registered: its number is given once per lineage by the coordinator and is in every manifest. */
export interface RegisteredState {
  /** 1 … 65535, unique in the lineage for (uid, name); never reused. */
  readonly stateId: number
  readonly uid: string
  readonly descriptor: StateDescriptor
}

/** Timers are state too: their entries have one state id a (uid, time domain). */
export type TimeDomain = 'event' | 'processing'

export interface BackendContext {
  readonly range: KeyGroupRange
  readonly maxParallelism: number
  readonly clock: Clock
  /** Bytes that decoded values, pending writes and indexes of this backend may take. */
  readonly cacheBytes: number
  /** Directory for the working copy of this attempt; made and removed by the backend. */
  readonly directory: string
  readonly strict: boolean
  /** Bytes that a list takes in memory, by estimate, from which on it is kept in pieces; for tests. */
  readonly listPieceBytes?: number
  /** Bytes that a page of the keys of a map takes at most, encoded; for tests. */
  readonly mapPageBytes?: number
  /** Bytes that encoded changes may take in memory, from which on they are written to `directory`; for tests. */
  readonly changeBytes?: number
  /** Called when `isSuspended` has become false, and when a `KeyVisit` or timers can go on. */
  wake(): void
  /** Ends the attempt with this error (a failed background write). */
  fail(error: unknown): void
}

/**
 * Keyed state of one subtask: every keyed operator of its chain registers its states here and shares the current key.
 *
 * Calls are synchronous unless they return a promise. Life cycle: register* → timers* → restore → (setCurrentKey, state
 * and timer calls, clearCurrent, beginSnapshot, …)* → close.
 */
export interface KeyedStateBackend {
  /**
   * Before `restore`. The handle works on the key and namespace current at each call. `eventTime` of the operator is needed
   * where the state expires by event time.
   */
  register<D extends StateDescriptor>(
    stateId: number,
    uid: string,
    descriptor: D,
    eventTime?: EventTtlTime,
  ): StateHandle<D>
  /** The timers of one operator, both domains. Before `restore`. */
  timers(uid: string, eventStateId: number, processingStateId: number): TimerQueue
  /**
   * Takes entries in ascending order of key, the newest of each key only (merged), puts only; may be slow. Called once
   * for each chain of segments, with disjoint keys. `asChanges`: they count as changed, so that the next snapshot holds
   * them all; else they are what the next snapshot is based on (the default).
   */
  restore(
    entries: AsyncIterable<StateEntry> | Iterable<StateEntry>,
    options?: { readonly asChanges?: boolean },
  ): Promise<void>

  /** Whether `adopt` may be called. */
  readonly canAdopt: boolean
  /**
   * After `restore`: takes over what is restored besides. Of the entries of declared states, all that is in the base but timers
   * is there from now on; it is looked up where it lies until it has been loaded in the background, and does not count as
   * changed. The base is closed when everything has been loaded, or with the backend. Visits and the removal of what has
   * expired wait until then.
   */
  adopt(base: RestoredBase): void
  /** How much of that has been loaded, from 0 to 1; undefined when nothing is left to be loaded. */
  readonly loadedShare: number | undefined

  /**
   * Sets the key for the calls that follow; the namespace becomes the default one. The key group is computed where it is
   * needed unless it is known.
   */
  setCurrentKey(key: Key, keyGroup?: number): void
  readonly currentKey: Key
  setNamespace(namespace: Key | undefined): void
  readonly currentNamespace: Key | undefined
  /** The callback has ended: state calls throw `MR_STATE_OUTSIDE_CALLBACK` until the next key is set (R15). */
  clearCurrent(): void
  /**
   * What follows, until the callback ends, comes of a record of that key group that an operator has held back; of no key, if
   * there is none. State is out of reach, as its key is not known any more.
   */
  beginHeld(keyGroup: number | undefined): void
  /** Of the key that is current, or of the record held back; undefined if what is processed is of no key. */
  readonly currentKeyGroup: number | undefined

  /**
   * Begins to visit every key of this subtask that has a value of a state, by its handle, in the default namespace; nothing
   * is called yet. `visit` is called with the key current, by key group and in the order of encoded keys within it (R17),
   * once a key; what it changes there it finds changed. A key that gets the state meanwhile may be visited or not; one whose
   * value is gone by then, or has expired, is not (of a map whatever `isEmpty` counts, semantics 2.17).
   *
   * Costs a look at every row in memory, a read of the keys in the working copy, and a read of each value that is there.
   */
  visitKeys(state: unknown, visit: (key: Key) => void): KeyVisit

  /** True while pending writes exceed their limit: no input may be taken (R22). */
  readonly isSuspended: boolean
  /**
   * Housekeeping between records, called in each slice: evict, write, encode a part of a running snapshot, remove some of what
   * has expired (R30), at most until `clock.elapsed() >= deadline`. Returns true if there is more to do at once.
   */
  work(deadline: number): boolean

  /**
   * The synchronous part of a checkpoint, at the barrier: takes over the set of entries changed since `baseId` (R24);
   * they keep their values of this moment (R25). One snapshot at a time.
   */
  beginSnapshot(checkpointId: number, baseId: number): StateSnapshot
  /** The checkpoint has been published: its changes are not kept any more, and no later snapshot has an older base. */
  checkpointCompleted(checkpointId: number): void
  /** The checkpoint was declined or has expired: its changes go into the next one (R24). */
  checkpointAborted(checkpointId: number): void

  /** Bytes held in memory by cache and pending writes, for metrics. */
  readonly memoryBytes: number
  /** Number of (key, namespace, state) cells that exist; may be an estimate for spilled state. */
  readonly entryCount: number
  close(): Promise<void>
}

/**
 * The state that a checkpoint holds of a subtask, read where it lies: what a backend looks up in key groups that it has not
 * loaded yet (R28).
 *
 * Keys are those of entries. Everything that is read at once blocks the thread for as long as a disk takes; damage that is met
 * is `MR_CHECKPOINT_CORRUPT` with file and key groups (R27).
 */
export interface RestoredBase {
  /** Bytes of memory that it takes. */
  readonly memoryBytes: number
  /** About how many entries it has, rather too many. */
  readonly entryCount: number
  /** Whether there may be an entry with this key, or entries whose key goes on with a sub-key behind it; false is certain. */
  mightHold(key: Uint8Array): boolean
  /** The value of an entry, which belongs to the caller; undefined where there is none. */
  read(key: Uint8Array): Uint8Array | undefined
  /**
   * The sub-keys of the entries whose key begins with this one and goes on: of those from `from` on and below `before`, where
   * these are given, ascending. Reads all of these entries.
   */
  subKeys(key: Uint8Array, from?: Uint8Array, before?: Uint8Array): readonly Uint8Array[]
  /**
   * Where these entries can be cut into pieces of which each is read with a few reads: sub-keys, ascending, which need not be
   * there, and between which there need not be anything. The same with every call; nothing is read.
   */
  bounds(key: Uint8Array): readonly Uint8Array[]
  /** All entries of these states, ascending, in pieces. They are views: copy what is to stay. */
  entries(stateIds: ReadonlySet<number>): AsyncIterable<readonly StateEntry[]>
  /** Ends reading; what is under way by then comes to its end, or fails. */
  close(): Promise<void>
}

/** A visit to the keys of a state, in pieces, since what is spilled cannot be read at once (R23). */
export interface KeyVisit {
  /**
   * Visits keys until about `deadline` (`clock.elapsed()` ms), until `mayVisit`, asked before each one, says no, or until it has
   * to wait; returns whether all have been visited. Between callbacks only: no key is current after it.
   */
  run(deadline: number, mayVisit?: () => boolean): boolean
  readonly isDone: boolean
  /** Whether `run` can do nothing until `BackendContext.wake` has been called, or the backend has worked. */
  readonly isWaiting: boolean
}

/** The change set of one checkpoint while it is encoded. */
export interface StateSnapshot {
  readonly checkpointId: number
  /** True once every entry has been encoded: `entries` may be read. `work` of the backend makes progress. */
  readonly isEncoded: boolean
  /** Called once when `isEncoded` becomes true; at once if it is. Never, if the checkpoint is aborted before. */
  onEncoded(callback: () => void): void
  /**
   * All entries, ascending by key; valid once encoded, until the checkpoint is completed or aborted, or the next snapshot begins. What is not
   * in memory is read while it is taken; a failure to do so is `MR_STATE_FAILED`. To be closed by the caller.
   */
  entries(): EntryCursor
}

/**
 * Timers of one operator subtask. Set semantics by (timestamp, key, namespace); popped by timestamp, ties in unspecified
 * order (but the same for the same calls).
 */
export interface TimerQueue {
  /** For the backend's current key and namespace. A timestamp that is not an integer or ±Infinity is an error. */
  register(domain: TimeDomain, timestamp: number): void
  delete(domain: TimeDomain, timestamp: number): void
  /** The earliest timestamp, or a lower one while it is not known since the timer is not in memory; Infinity if there is none. */
  earliest(domain: TimeDomain): number
  /**
   * Removes the earliest timer if its timestamp is ≤ `upTo`, makes its key and namespace current in the backend, and
   * returns its timestamp; undefined if there is none, or `isWaiting`.
   */
  pop(domain: TimeDomain, upTo: number): number | undefined
  /** Whether `pop` can do nothing until `BackendContext.wake` has been called: the next timers are being read (R13, R23). */
  isWaiting(domain: TimeDomain): boolean
  /** Number of timers; an estimate once some have left memory. */
  count(domain: TimeDomain): number
}
