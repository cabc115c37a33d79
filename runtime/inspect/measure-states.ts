import { isFullPiece, readTimerKey, stateIdIn, versionOf } from '../state/snapshot-format.ts'
import type { StateEntry } from '../state/state-backend.ts'
import { decodeBroadcast } from '../state/broadcast-format.ts'
import { isOperatorStateKind } from '../state/operator-state.ts'
import {
  broadcastIn,
  listItemsIn,
  type SnapshotState,
  stateIdOf,
  statesIn,
} from './snapshot-states.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import type { FoundSnapshot } from './find-snapshot.ts'
import { entriesOfPart } from './snapshot-parts.ts'

/** A state and how much it holds. */
export interface MeasuredState extends SnapshotState {
  /**
   * One a key and namespace, a map key, or a timer; of broadcast state what one copy has; of lists of subtasks the items of all;
   * of other operator state subtasks.
   */
  readonly entries: number
  /** Of keys and values as stored; of what the manifest holds its encoding. */
  readonly bytes: number
  /** Schema versions that entries were written with, ascending; more than one where values are upcast as they are used. */
  readonly versions: readonly number[]
  /** The earliest timer, undefined for other states, and where there is none. */
  readonly earliest: number | undefined
}

interface Count {
  entries: number
  bytes: number
  earliest: number | undefined
  readonly versions: Set<number>
  readonly kind: SnapshotState['kind']
}

/** Counts what each state holds, with one reading of all segments. */
export async function measureStates(found: FoundSnapshot): Promise<MeasuredState[]> {
  const { manifest } = found
  const counts = new Map(manifest.states.map(({ stateId, kind }) => [stateId, newCount(kind)]))
  for (const part of manifest.subtasks) {
    for await (const batch of entriesOfPart(found, part, { first: 0, last: 0xffff })) {
      for (const entry of batch) {
        const count = counts.get(stateIdIn(entry.key))
        if (count !== undefined) add(count, entry)
      }
    }
  }
  return statesIn(manifest).map((state) => {
    const count = counts.get(stateIdOf(manifest, state) ?? 0) ?? newCount(state.kind)
    const { entries, bytes } = measureOwn(manifest, state) ?? count
    const versions = [...count.versions].sort((a, b) => a - b)
    return { ...state, entries, bytes, versions, earliest: count.earliest }
  })
}

function newCount(kind: SnapshotState['kind']): Count {
  return {
    entries: 0,
    bytes: 0,
    earliest: undefined,
    versions: new Set(),
    kind,
  }
}

function add(count: Count, { key, value }: StateEntry): void {
  // A list counts once, in however many pieces it is.
  if (count.kind !== 'list' || !isFullPiece(key)) count.entries++
  count.bytes += key.length + value.length
  if (count.kind !== 'timers') count.versions.add(versionOf(value))
  else {
    const { timestamp } = readTimerKey(key)
    count.earliest = Math.min(timestamp, count.earliest ?? Infinity)
  }
}

/** What stands in the manifest. */
function measureOwn(
  manifest: CheckpointManifest,
  state: SnapshotState,
): Pick<MeasuredState, 'entries' | 'bytes'> | undefined {
  const { uid, kind } = state
  if (kind === 'broadcast') {
    const bytes = broadcastIn(manifest, state)
    return {
      entries: bytes === undefined ? 0 : decodeBroadcast(bytes).length,
      bytes: bytes?.length ?? 0,
    }
  }
  if (isOperatorStateKind(kind)) {
    const items = listItemsIn(manifest, state).flatMap((list) => list.items)
    return { entries: items.length, bytes: items.reduce((sum, item) => sum + item.length, 0) }
  }
  if (kind !== 'operator' && kind !== 'enumerator') return undefined
  const data =
    kind === 'enumerator'
      ? [manifest.enumerators[uid]!]
      : manifest.subtasks.flatMap(({ operatorState }) => operatorState[uid] ?? [])
  return {
    entries: data.length,
    bytes: data.reduce((sum, one) => sum + one.byteLength, 0),
  }
}
