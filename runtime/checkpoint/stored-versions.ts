import type { PlacedEntry } from '../state/state-backend.ts'
import { schemaVersionIn, stateIdIn } from '../state/snapshot-format.ts'
import type { CheckpointManifest, SegmentReference } from './manifest.ts'

/** The lowest schema version of each state among entries that pass by: what a segment says of itself in the manifest. */
export class StoredVersions {
  readonly #lowest: Map<number, number> = new Map()
  /** Of the entry before: entries of one state stand together, and mostly have one version. */
  #stateId = -1
  #version = -1

  add({ kind, bytes, keyStart, keyEnd, valueEnd }: PlacedEntry): void {
    if (kind !== 'put') return
    const version = schemaVersionIn(bytes, keyEnd, valueEnd)
    if (version === undefined) return
    const stateId = stateIdIn(bytes, keyStart)
    if (stateId === this.#stateId && version === this.#version) return
    this.#stateId = stateId
    this.#version = version
    const lowest = this.#lowest.get(stateId)
    if (lowest === undefined || version < lowest) this.#lowest.set(stateId, version)
  }

  /** By state id. */
  get lowest(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#lowest)
  }
}

/**
 * The lowest schema version that values of a keyed state may have in a checkpoint; undefined if it has none.
 *
 * What nobody has used since keeps its version, through folding and at another parallelism; an older entry counts until it
 * has been folded away under a newer one.
 */
export function lowestStoredVersion(
  manifest: CheckpointManifest,
  stateId: number,
): number | undefined {
  let lowest: number | undefined
  for (const { segments } of manifest.subtasks) {
    for (const segment of segments) {
      const version = versionIn(segment, stateId)
      if (version !== undefined && (lowest === undefined || version < lowest)) lowest = version
    }
  }
  return lowest
}

/** A segment that does not say may hold anything. */
function versionIn({ versions }: SegmentReference, stateId: number): number | undefined {
  return versions === undefined ? 1 : versions[stateId]
}
