import type { Clock } from '../clock.ts'
import type { SnapshotFiles } from './checkpoint-storage.ts'
import type { SegmentReference } from './manifest.ts'
import { mergeSegments } from './merge.ts'
import { openSegment, type SegmentReader } from './segment-reader.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** Longest stretch of merging before the event loop gets its turn. */
const STRETCH_MS = 4

/** Reading may run ahead of its rate by this much, so that a small fold never waits. */
const LEAD_MS = 5

/** Key groups are numbered in 16 bits. */
const ALL_KEY_GROUPS = { first: 0, last: 65_535 }

export interface FoldOptions {
  /** Neighbours in a chain, the oldest first. */
  readonly segments: readonly SegmentReference[]
  /** They are the beginning of their chain: what they delete is not anywhere else. */
  readonly isBeginning: boolean
  readonly bytesPerSecond: number
  readonly clock: Clock
  /** Ends the fold soon: it rejects with the reason, and its file is gone. */
  readonly signal: AbortSignal
}

/**
 * Merges segments into one that means the same (R29): on bytes without decoding, at a limited rate of reading, and in short
 * stretches between which the event loop of the thread (the coordinator's, which no record passes through) has its turn.
 *
 * Resolves with the new segment in `target`, durable; undefined if nothing is left. Whatever the end, `target` is closed. Needs memory for 256 KiB of each segment.
 */
export async function foldSegments(
  storage: SnapshotFiles,
  target: SegmentWriter,
  options: FoldOptions,
): Promise<SegmentReference | undefined> {
  const { segments, signal } = options
  try {
    signal.throwIfAborted()
    const readers: SegmentReader[] = []
    for (const segment of segments) readers.push(await openSegment(storage, segment))
    const pace = new Pace(options, readers)
    const merged = mergeSegments(readers, ALL_KEY_GROUPS, { dropTombstones: options.isBeginning })
    for await (const batch of merged) {
      for (const entry of batch) {
        const writing = target.add(entry)
        if (writing !== undefined) await writing
      }
      await pace.keep()
      signal.throwIfAborted()
    }
    return await target.finish()
  } catch (error) {
    await target.abort()
    throw error
  }
}

/** Keeps a fold to its rate, and lets others have their turn. */
class Pace {
  readonly #options: FoldOptions
  readonly #readers: readonly SegmentReader[]
  readonly #startedAt: number
  #turnAt: number

  constructor(options: FoldOptions, readers: readonly SegmentReader[]) {
    this.#options = options
    this.#readers = readers
    this.#startedAt = options.clock.elapsed()
    this.#turnAt = this.#startedAt
  }

  async keep(): Promise<void> {
    const { clock, bytesPerSecond, signal } = this.#options
    const bytes = this.#readers.reduce((sum, reader) => sum + reader.bytesRead, 0)
    const due = this.#startedAt + (bytes / bytesPerSecond) * 1_000
    const now = clock.elapsed()
    if (due - now > LEAD_MS) await pause(clock, due - now, signal)
    else if (now - this.#turnAt > STRETCH_MS)
      await new Promise<void>((resolve) => clock.nextTurn(resolve))
    else return
    this.#turnAt = clock.elapsed()
  }
}

/** Waits for a time, or until the signal ends the waiting. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.schedule(delayMs, end)
    signal.addEventListener('abort', end)
  })
}
