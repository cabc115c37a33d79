import { undrained } from './drained.ts'
import { foldSegments } from './fold.ts'
import type { CheckpointManifest, ManifestSubtask, SegmentReference } from './manifest.ts'
import type { OpenSavepoint } from './open-savepoint.ts'
import type { SegmentMerger } from './segment-merger.ts'

/** Bytes a second that are read: somebody waits for it, and the job has to live beside it. */
const COPY_BYTES_PER_SECOND = 256 * 1_024 * 1_024

export interface SavepointCopyOptions {
  /** Merges the files that the manifest names; they must stay. */
  readonly merger: SegmentMerger
  /** A complete checkpoint. */
  readonly manifest: CheckpointManifest
  readonly target: OpenSavepoint
  /** Ends the copying soon: it rejects with the reason. */
  readonly signal: AbortSignal
  /** Told after each subtask: bytes read so far, and of all. */
  readonly onProgress: (copied: number, total: number) => void
}

/**
 * Makes a savepoint of a checkpoint: merges the chain of each subtask into one file, on bytes without decoding (R24, R29),
 * and resolves with its manifest, which is still to be published. What a drain has ended goes on in it (R12). Needs memory for 256 KiB of each segment of a chain.
 */
export async function copySavepoint(options: SavepointCopyOptions): Promise<CheckpointManifest> {
  const { manifest, onProgress } = options
  const total = manifest.subtasks.reduce((sum, { segments }) => sum + bytesOf(segments), 0)
  const subtasks: ManifestSubtask[] = []
  let copied = 0
  for (const part of undrained(manifest.subtasks)) {
    const segment = await copyChain(part, options)
    subtasks.push({ ...part, segments: segment === undefined ? [] : [segment] })
    copied += bytesOf(part.segments)
    onProgress(copied, total)
  }
  return { ...manifest, kind: 'savepoint', subtasks }
}

async function copyChain(
  { vertex, subtaskIndex, segments }: ManifestSubtask,
  { manifest, merger, target, signal }: SavepointCopyOptions,
): Promise<SegmentReference | undefined> {
  signal.throwIfAborted()
  if (segments.length === 0) return undefined
  const name = `${vertex}-${subtaskIndex}`
  const request = {
    segments,
    isBeginning: true,
    bytesPerSecond: COPY_BYTES_PER_SECOND,
  }
  return foldSegments(merger, await target.create(manifest.checkpointId, name), request, signal)
}

function bytesOf(segments: readonly SegmentReference[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0)
}
