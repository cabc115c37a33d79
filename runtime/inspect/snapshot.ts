import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { startsWith } from '../checkpoint/entry-order.ts'
import { StreamError } from '../errors.ts'
import { canonicalKey, encodeKey, keyProblem } from '../key-encoding.ts'
import { keyGroupOf } from '../key-group.ts'
import type { Key } from '../key.ts'
import type { LineagePoint } from '../sink.ts'
import { decodeBroadcast } from '../state/broadcast-format.ts'
import { KEY_HEADER_BYTES, readTimerKey, stateIdIn } from '../state/snapshot-format.ts'
import type { KeyGroupRange, StateEntry } from '../state/state-backend.ts'
import { isOperatorStateKind } from '../state/operator-state.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import { type FoundSnapshot, findSnapshot } from './find-snapshot.ts'
import { type MeasuredState, measureStates } from './measure-states.ts'
import {
  type OperatorWatermarks,
  type SourcePosition,
  sourcesIn,
  watermarksIn,
} from './operator-facts.ts'
import { compareEntries, type OrderedEntry, type SnapshotChange } from './snapshot-diff.ts'
import {
  decodeEntries,
  decodeEntry,
  decodeList,
  encodeWhole,
  listPrefix,
  piecesOfLists,
  plainEntry,
  type SnapshotEntry,
} from './snapshot-entry.ts'
import { entriesOfPart, partsOf } from './snapshot-parts.ts'
import {
  broadcastIn,
  findState,
  isInManifest,
  listItemsIn,
  type SnapshotState,
  stateIdOf,
  statesIn,
} from './snapshot-states.ts'

export type { MeasuredState } from './measure-states.ts'
export type { OperatorWatermarks, SourcePosition } from './operator-facts.ts'
export type { SnapshotChange } from './snapshot-diff.ts'
export type { SnapshotEntry } from './snapshot-entry.ts'
export type { SnapshotState } from './snapshot-states.ts'

/** Names a state of a snapshot. */
export interface StateAddress {
  readonly uid: string
  /** As declared, or `!event-timers` and the like: see `SnapshotState.name`. */
  readonly state: string
}

/** A key group and a state id take as many bytes. */
const STATE_ID_BYTES = KEY_HEADER_BYTES / 2

/** Every key group there can be. */
const ALL: KeyGroupRange = { first: 0, last: 0xffff }

/**
 * Opens the checkpoint or savepoint at a path for reading: a folder `chk-<id>` or of a savepoint, or the manifest in it; of the
 * folder of a lineage or job the newest one that can be used. The job may be running: the files stay open until `close`.
 *
 * Reads the manifest and looks at each file. Fails with `MR_CHECKPOINT_NOT_FOUND`, `MR_CHECKPOINT_CORRUPT` or
 * `MR_CHECKPOINT_VERSION`; damage within a file is told when it is read.
 *
 * @example
 * const snapshot = await openSnapshot('.millrace/fraud')
 * for await (const { key, value } of snapshot.entries<number>({ uid: 'velocity', state: 'count' })) {
 *   if (value > 100) console.log(key, value)
 * }
 * await snapshot.close()
 */
export async function openSnapshot(path: string): Promise<Snapshot> {
  return new Snapshot(await findSnapshot(path))
}

/** A checkpoint or savepoint, open for reading. Nothing of it can be changed. */
export class Snapshot {
  readonly #found: FoundSnapshot

  constructor(found: FoundSnapshot) {
    this.#found = found
  }

  /** The folder with its manifest, absolute. */
  get path(): string {
    return this.#found.path
  }

  get job(): string {
    return this.#manifest.job
  }

  get lineage(): string {
    return this.#manifest.lineage
  }

  get checkpointId(): number {
    return this.#manifest.checkpointId
  }

  get kind(): CheckpointManifest['kind'] {
    return this.#manifest.kind
  }

  /** When it was taken, in milliseconds since 1970. */
  get createdAt(): number {
    return this.#manifest.createdAt
  }

  get parallelism(): number {
    return this.#manifest.parallelism
  }

  get maxParallelism(): number {
    return this.#manifest.maxParallelism
  }

  /** Where its lineage began, nearest first. */
  get ancestry(): readonly LineagePoint[] {
    return this.#manifest.ancestry
  }

  /** The job's parameters, secrets left out. */
  get params(): CheckpointManifest['params'] {
    return this.#manifest.params
  }

  /** Its states, timers included, by uid and name. Costs nothing: how much they hold is told by `measure`. */
  states(): SnapshotState[] {
    return statesIn(this.#manifest)
  }

  /** As `states`, with the number of entries, their bytes and versions. Reads the whole snapshot. */
  measure(): Promise<MeasuredState[]> {
    return measureStates(this.#found)
  }

  /** Where the sources stand, as far as they tell. */
  sources(): SourcePosition[] {
    return sourcesIn(this.#manifest)
  }

  /** The watermark of every operator (R12). */
  watermarks(): OperatorWatermarks[] {
    return watermarksIn(this.#manifest)
  }

  /**
   * The entries of a state: by key group, and in it in the order of encoded keys (R17), namespaces and map keys. One entry a
   * key of a map, one a list, one a timer; of a list of subtasks one a subtask. Reads 256 KiB of each file at a time, and decodes what is asked for.
   *
   * `keyGroups` leaves out all others, whose blocks are not read. Unknown names are `MR_STATE_NOT_FOUND`.
   */
  entries<V = unknown>(
    address: StateAddress,
    options: { readonly keyGroups?: KeyGroupRange } = {},
  ): AsyncGenerator<SnapshotEntry<V>> {
    const state = findState(this.#manifest, address.uid, address.state)
    return this.#entries(state, options.keyGroups ?? ALL) as AsyncGenerator<SnapshotEntry<V>>
  }

  /** All entries of one key, in every namespace. Reads the blocks of its key group only. */
  async entriesOf<V = unknown>(address: StateAddress, key: Key): Promise<SnapshotEntry<V>[]> {
    const state = findState(this.#manifest, address.uid, address.state)
    checkKey(key, 'The key')
    const keyGroup = keyGroupOf(key, this.maxParallelism)
    const found: SnapshotEntry<V>[] = []
    const isKeyed = stateIdOf(this.#manifest, state) !== undefined && !isInManifest(state)
    const range = isKeyed ? { first: keyGroup, last: keyGroup } : ALL
    for await (const entry of this.#entries(state, range, key)) {
      if (isSameKey(entry.key, key)) found.push(entry as SnapshotEntry<V>)
    }
    return found
  }

  /**
   * What a state holds for a key, in the default namespace unless another is given: the value, the elements of a list, a `Map`
   * of map state, the timestamps of timers, the accumulator of an aggregating state; undefined if there is nothing.
   */
  async get<V = unknown>(address: StateAddress, key: Key, namespace?: Key): Promise<V | undefined> {
    const { kind } = findState(this.#manifest, address.uid, address.state)
    const all = await this.entriesOf(address, key)
    const entries = all.filter((entry) => isSameKey(entry.namespace, namespace))
    if (entries.length === 0) return undefined
    if (kind === 'map') {
      return new Map(entries.map(({ mapKey, value }) => [mapKey, value])) as V
    }
    if (kind === 'timers') return entries.map(({ value }) => value) as V
    return entries[0]!.value as V
  }

  /**
   * What has changed from this snapshot to another, by uid, state and then in the order of `entries`; a time of last access counts.
   * Reads both once for each state; holds little of either. Both must have one maximum parallelism, as keys are in other
   * key groups otherwise (`MR_MAX_PARALLELISM_CHANGED`).
   */
  async *diff(other: Snapshot): AsyncGenerator<SnapshotChange> {
    if (this.maxParallelism !== other.maxParallelism) throw notComparable(this, other)
    const living = [...this.states(), ...other.states()].filter((state) => !state.isDropped)
    const states = Map.groupBy(living, ({ uid, name }) => JSON.stringify([uid, name]))
    for (const [{ uid, name }] of [...states.values()] as [SnapshotState][]) {
      const changes = compareEntries(this.#ordered(uid, name), other.#ordered(uid, name))
      for await (const change of changes) yield { uid, state: name, ...change }
    }
  }

  /** Lets go of its files. */
  close(): Promise<void> {
    return this.#found.files.close()
  }

  get #manifest(): CheckpointManifest {
    return this.#found.manifest
  }

  async *#entries(
    state: SnapshotState,
    range: KeyGroupRange,
    key?: Key,
  ): AsyncGenerator<SnapshotEntry> {
    const { kind } = state
    if (kind === 'broadcast') yield* this.#broadcast(state)
    else if (isOperatorStateKind(kind)) yield* this.#lists(state)
    else if (kind === 'operator' || kind === 'enumerator') yield* this.#own(state)
    else yield* decodeEntries(this.#stored(state, range, key), kind)
  }

  /** The entries of a state as they are compared; none where there is no such state. */
  async *#ordered(uid: string, name: string): AsyncGenerator<OrderedEntry> {
    const state = this.states().find((one) => one.uid === uid && one.name === name)
    if (state === undefined || state.isDropped) return
    const { kind } = state
    if (stateIdOf(this.#manifest, state) === undefined || isInManifest(state)) {
      for await (const entry of this.#entries(state, ALL)) {
        const stored = encodeValue(entry.value, name)
        yield { order: encodeKey(entry.key), stored, entry: () => entry }
      }
      return
    }
    if (kind === 'list') {
      for await (const pieces of piecesOfLists(this.#stored(state, ALL, undefined))) {
        yield {
          order: withoutStateId(listPrefix(pieces[0]!.key)),
          stored: encodeWhole(pieces, name),
          entry: () => decodeList(pieces),
        }
      }
      return
    }
    for await (const batch of this.#stored(state, ALL, undefined)) {
      for (const stored of batch) {
        yield {
          order: withoutStateId(stored.key),
          stored: stored.value,
          entry: () => decodeEntry(stored, kind),
        }
      }
    }
  }

  async *#stored(
    state: SnapshotState,
    range: KeyGroupRange,
    key: Key | undefined,
  ): AsyncGenerator<readonly StateEntry[]> {
    const stateId = stateIdOf(this.#manifest, state)
    const isWanted = key === undefined ? () => true : keyTest(key, state.kind === 'timers')
    for (const part of partsOf(this.#manifest, state.uid)) {
      for await (const batch of entriesOfPart(this.#found, part, range)) {
        yield batch.filter((entry) => stateIdIn(entry.key) === stateId && isWanted(entry.key))
      }
    }
  }

  *#broadcast(state: SnapshotState): Generator<SnapshotEntry> {
    const bytes = broadcastIn(this.#manifest, state)
    if (bytes === undefined) return
    for (const [key, value] of decodeBroadcast(bytes)) yield plainEntry(key, value, state.version)
  }

  *#lists(state: SnapshotState): Generator<SnapshotEntry> {
    for (const { subtask, items } of listItemsIn(this.#manifest, state)) {
      yield plainEntry(subtask, items.map(decodeValue), state.version)
    }
  }

  *#own({ uid, kind }: SnapshotState): Generator<SnapshotEntry> {
    const { subtasks, enumerators } = this.#manifest
    if (kind === 'enumerator') yield plainEntry(0, decodeValue(enumerators[uid]!))
    else {
      for (const { subtaskIndex, operatorState } of subtasks) {
        const data = operatorState[uid]
        if (data !== undefined) yield plainEntry(subtaskIndex, decodeValue(data))
      }
    }
  }
}

function checkKey(key: Key, what: string): void {
  const problem = keyProblem(key)
  if (problem === undefined) return
  throw new StreamError(
    'MR_KEY_INVALID',
    `${what} is ${problem}; no state can have it; keys are strings, numbers, bigints, bytes or tuples of these.`,
  )
}

/** State ids differ between snapshots of different lineages. */
function withoutStateId(key: Uint8Array): Uint8Array {
  const order = key.slice(STATE_ID_BYTES)
  order.set(key.subarray(0, STATE_ID_BYTES))
  return order
}

function notComparable(a: Snapshot, b: Snapshot): StreamError {
  return new StreamError(
    'MR_MAX_PARALLELISM_CHANGED',
    `${a.path} was taken with a maximum parallelism of ${a.maxParallelism}, ${b.path} with ${b.maxParallelism}; their keys are in different key groups, so they cannot be compared; compare snapshots of one job.`,
    { was: a.maxParallelism, is: b.maxParallelism },
  )
}

/** Whether an entry is of this key: encoded keys are no beginning of each other. */
function keyTest(key: Key, isTimer: boolean): (entryKey: Uint8Array) => boolean {
  if (isTimer) return (entryKey) => isSameKey(readTimerKey(entryKey).key, key)
  const encoded = encodeKey(key)
  return (entryKey) => startsWith(entryKey.subarray(KEY_HEADER_BYTES), encoded)
}

function isSameKey(a: Key | undefined, b: Key | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return canonicalKey(a) === canonicalKey(b)
}
