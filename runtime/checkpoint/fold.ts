import type { StorageWriter } from './checkpoint-storage.ts'
import type { SegmentReference } from './manifest.ts'
import type { MergeRequest, SegmentMerger } from './segment-merger.ts'

/**
 * Merges segments into a new one that means the same (R29), written as it comes.
 *
 * Resolves with the segment in `target`, durable; undefined, and no file, if nothing is left. Fails with the reason of the
 * signal, and whatever merging or writing fails with; the file is gone then.
 */
export async function foldSegments(
  merger: SegmentMerger,
  target: StorageWriter,
  request: MergeRequest,
  signal: AbortSignal,
): Promise<SegmentReference | undefined> {
  try {
    const pieces = merger.merge(request, signal)
    let next = await pieces.next()
    while (next.done !== true) {
      await target.write(next.value)
      next = await pieces.next()
    }
    const contents = next.value
    if (contents.entries === 0) {
      await target.abort()
      return undefined
    }
    const { name, bytes } = await target.finish()
    return { file: name, bytes, ...contents }
  } catch (error) {
    await target.abort()
    throw error
  }
}
