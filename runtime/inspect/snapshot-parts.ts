import type { CheckpointManifest, ManifestSubtask } from '../checkpoint/manifest.ts'
import { mergeSegments } from '../checkpoint/merge.ts'
import { openSegment } from '../checkpoint/segment-reader.ts'
import { keyGroupRange } from '../key-group.ts'
import type { KeyGroupRange, StateEntry } from '../state/state-backend.ts'
import type { FoundSnapshot } from './find-snapshot.ts'

/** The parts of a snapshot that hold an operator, in the order of its subtasks, and so of their key groups. */
export function partsOf(manifest: CheckpointManifest, uid: string): ManifestSubtask[] {
  return manifest.subtasks
    .filter((part) => uid in part.watermarks)
    .toSorted((a, b) => a.subtaskIndex - b.subtaskIndex)
}

/**
 * The entries of one subtask as they stand in the snapshot: ascending, the newest of each key, no deletes. Only blocks with
 * these key groups are read; holds 256 KiB of each segment. Batches are views: copy what is to stay.
 */
export async function* entriesOfPart(
  { manifest, files }: FoundSnapshot,
  part: ManifestSubtask,
  range: KeyGroupRange,
): AsyncGenerator<readonly StateEntry[]> {
  if (part.segments.length === 0) return
  const parallelism = manifest.subtasks.filter(({ vertex }) => vertex === part.vertex).length
  const own = keyGroupRange(part.subtaskIndex, parallelism, manifest.maxParallelism)
  const wanted = {
    first: Math.max(own.first, range.first),
    last: Math.min(own.last, range.last),
  }
  if (wanted.first > wanted.last) return
  const readers = await Promise.all(part.segments.map((segment) => openSegment(files, segment)))
  yield* mergeSegments(readers, wanted, { dropTombstones: true })
}
