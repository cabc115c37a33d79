import type { CheckpointManifest, ManifestState } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import { quotedNames } from '../names.ts'
import { nearest } from '../nearest.ts'
import { broadcastStatesIn } from '../state/broadcast-format.ts'
import { storedListsIn } from '../state/operator-list-format.ts'
import { isOperatorStateKind } from '../state/operator-state.ts'
import { decodeValue } from '../value-codec.ts'

/** Kinds of state in a snapshot: `operator` is what subtasks keep for themselves, `enumerator` what finds splits keeps. */
export type SnapshotStateKind = ManifestState['kind'] | 'operator' | 'enumerator'

/** A state in a snapshot, as far as its manifest tells. */
export interface SnapshotState {
  readonly uid: string
  /**
   * Its name; those that no job can declare begin with `!`: `!event-timers`, `!processing-timers`, `!operator` and
   * `!enumerator`.
   */
  readonly name: string
  readonly kind: SnapshotStateKind
  /** The schema version that the job declared. */
  readonly version: number
  /** The job had dropped it, but files may still hold entries of it. */
  readonly isDropped: boolean
}

/** What a subtask of an operator keeps for itself (`snapshotState`), and positions of sources, as one state. */
const OPERATOR_STATE = '!operator'
const ENUMERATOR_STATE = '!enumerator'

/** All states of a snapshot: those declared, timers, and what operators keep by subtask; by uid, then by name. */
export function statesIn(manifest: CheckpointManifest): SnapshotState[] {
  const declared = manifest.states.map(({ uid, name, kind, version, isDropped }) => ({
    ...{ uid, name, kind, version },
    isDropped: isDropped === true,
  }))
  const own = [...new Set(manifest.subtasks.flatMap((part) => Object.keys(part.operatorState)))]
    .filter((uid) => !isDeclared(manifest, uid))
    .map((uid) => ownState(uid, OPERATOR_STATE, 'operator'))
  const enumerators = Object.keys(manifest.enumerators).map((uid) =>
    ownState(uid, ENUMERATOR_STATE, 'enumerator'),
  )
  return [...declared, ...own, ...enumerators].sort(
    (a, b) => compareText(a.uid, b.uid) || compareText(a.name, b.name),
  )
}

/** Finds one that is not dropped; `MR_STATE_NOT_FOUND` names what is near. */
export function findState(manifest: CheckpointManifest, uid: string, name: string): SnapshotState {
  const living = statesIn(manifest).filter((state) => !state.isDropped)
  const ofUid = living.filter((state) => state.uid === uid)
  const found = ofUid.find((state) => state.name === name)
  if (found !== undefined) return found
  const uids = [...new Set(living.map((state) => state.uid))]
  const names = ofUid.map((state) => state.name)
  throw ofUid.length === 0
    ? notFound(manifest, `no state of an operator with uid "${uid}"`, near(uid, uids), { uid })
    : notFound(manifest, `no state "${name}" of operator "${uid}"`, near(name, names), {
        uid,
        state: name,
      })
}

/** The number of entries that a key of the manifest stands for; undefined where it is no keyed state. */
export function stateIdOf(manifest: CheckpointManifest, state: SnapshotState): number | undefined {
  return manifest.states.find((one) => one.uid === state.uid && one.name === state.name)?.stateId
}

/** The encoded entries of a broadcast state in the first subtask that has it: all copies are equal (semantics 2.18). */
export function broadcastIn(
  manifest: CheckpointManifest,
  { uid, name }: SnapshotState,
): Uint8Array | undefined {
  for (const { operatorState } of manifest.subtasks) {
    const data = operatorState[uid]
    const states = data === undefined ? undefined : broadcastStatesIn(decodeValue(data))
    if (states?.has(name) === true) return states.get(name)
  }
  return undefined
}

/** The items of a list in each subtask that has it, with the number of the subtask. */
export function listItemsIn(
  manifest: CheckpointManifest,
  { uid, name }: SnapshotState,
): { readonly subtask: number; readonly items: readonly Uint8Array[] }[] {
  return manifest.subtasks.flatMap(({ subtaskIndex, operatorState }) => {
    const data = operatorState[uid]
    const list = data === undefined ? undefined : storedListsIn(decodeValue(data)).get(name)
    return list === undefined ? [] : [{ subtask: subtaskIndex, items: list.items }]
  })
}

/** Whether a state stands in the manifest, by its name: broadcast state, and lists of subtasks. */
export function isInManifest({ kind }: Pick<SnapshotState, 'kind'>): boolean {
  return kind === 'broadcast' || isOperatorStateKind(kind)
}

/** Whether what subtasks of an operator keep for themselves is what its function has declared. */
function isDeclared(manifest: CheckpointManifest, uid: string): boolean {
  return manifest.states.some((state) => state.uid === uid && isInManifest(state))
}

function ownState(uid: string, name: string, kind: 'operator' | 'enumerator'): SnapshotState {
  return { uid, name, kind, version: 1, isDropped: false }
}

function near(name: string, there: readonly string[]): string {
  const found = nearest(name, there)
  return `it has ${quotedNames(there)}${found === undefined ? '' : `; did you mean "${found}"`}`
}

function notFound(
  { job, checkpointId }: CheckpointManifest,
  what: string,
  there: string,
  fields: Readonly<Record<string, string>>,
): StreamError {
  const end = there.includes('did you mean') ? '?' : '.'
  return new StreamError(
    'MR_STATE_NOT_FOUND',
    `Snapshot ${checkpointId} of job "${job}" has ${what}; nothing can be shown of it; ${there}${end}`,
    fields,
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
