import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { snapshotLabel } from '../checkpoint/snapshot-label.ts'
import { StreamError } from '../errors.ts'
import type { RenamedUids } from '../graph/renamed-uids.ts'

/**
 * A snapshot as if the operators of the job had had their uids of now when it was taken: their states, positions, watermarks and
 * pending output are found under them. What is renamed and not in it is left out: it may have been renamed before.
 *
 * Two operators that come to one uid are `MR_UID_DUPLICATE`. Pure.
 */
export function renameUids(
  manifest: CheckpointManifest,
  renamed: RenamedUids | undefined,
): CheckpointManifest {
  if (renamed === undefined) return manifest
  const before = manifest.operators.map(({ uid }) => uid)
  if (!before.some((uid) => Object.hasOwn(renamed, uid))) return manifest
  const now = (uid: string): string => (Object.hasOwn(renamed, uid) ? renamed[uid]! : uid)
  // Without a prototype, as in the manifest itself: any name may be a uid (N25).
  const names = <V>(byUid: Readonly<Record<string, V>>): Readonly<Record<string, V>> => {
    const result = Object.create(null) as Record<string, V>
    for (const [uid, value] of Object.entries(byUid)) result[now(uid)] = value
    return result
  }
  refuseClash(manifest, before, now)
  return {
    ...manifest,
    operators: manifest.operators.map((one) => ({
      ...one,
      uid: now(one.uid),
      name: now(one.name),
    })),
    states: manifest.states.map((state) => ({ ...state, uid: now(state.uid) })),
    subtasks: manifest.subtasks.map((part) => ({
      ...part,
      vertex: now(part.vertex),
      operatorState: names(part.operatorState),
      watermarks: names(part.watermarks),
    })),
    enumerators: names(manifest.enumerators),
  }
}

function refuseClash(
  manifest: CheckpointManifest,
  uids: readonly string[],
  now: (uid: string) => string,
): void {
  for (const uid of uids) {
    const other = uids.find((one) => one !== uid && now(one) === now(uid))
    if (other === undefined) continue
    throw new StreamError(
      'MR_UID_DUPLICATE',
      `${snapshotLabel(manifest)} has both "${uid}" and "${other}", and renamedUids makes "${now(uid)}" of both; their state would be mixed up; leave one of them out of renamedUids, and drop its state with --allow-non-restored-state.`,
      { uid: now(uid), uids: [uid, other] },
    )
  }
}

/** A line for each operator of a snapshot that has another uid now. */
export function renameNotes(
  manifest: CheckpointManifest,
  renamed: RenamedUids | undefined,
): string[] {
  if (renamed === undefined) return []
  return manifest.operators.flatMap(({ uid }) =>
    Object.hasOwn(renamed, uid) ? [`"${uid}" is now "${renamed[uid]}"`] : [],
  )
}
