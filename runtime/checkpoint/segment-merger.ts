import { type Clock, pause } from '../clock.ts'
import type { SnapshotFiles } from './checkpoint-storage.ts'
import type { SegmentReference } from './manifest.ts'
import { mergeSegments } from './merge.ts'
import { openSegment, type SegmentReader } from './segment-reader.ts'
import { type SegmentContents, SegmentStream } from './segment-writer.ts'

/** Longest stretch of merging before the event loop gets its turn. */
const STRETCH_MS = 4

/** Reading may run ahead of its rate by this much, so that a small merge never waits. */
const LEAD_MS = 5

/** Key groups are numbered in 16 bits. */
const ALL_KEY_GROUPS = { first: 0, last: 65_535 }

export interface MergeRequest {
  /** Neighbours in a chain, the oldest first. */
  readonly segments: readonly SegmentReference[]
  /** They are the beginning of their chain: what they delete is not anywhere else. */
  readonly isBeginning: boolean
  /** Most that is read in a second. */
  readonly bytesPerSecond: number
}

/**
 * Merges segments into one that means the same (R29), on bytes without decoding: yields that one in pieces, each of which
 * belongs to the caller, and returns what is in it. Reading is limited in rate. Needs memory for 256 KiB of each segment.
 * Damage is `MR_CHECKPOINT_CORRUPT`; the signal ends it soon, with its reason.
 */
export interface SegmentMerger {
  merge(request: MergeRequest, signal: AbortSignal): MergedPieces
}

/** The bytes of a segment, in order, and what is in it. */
export type MergedPieces = AsyncGenerator<Uint8Array, SegmentContents, undefined>

/** Merges on the thread that asks, in short stretches between which its event loop has its turn. */
export class LocalMerger implements SegmentMerger {
  readonly #source: SnapshotFiles
  readonly #clock: Clock

  constructor(source: SnapshotFiles, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  async *merge(request: MergeRequest, signal: AbortSignal): MergedPieces {
    const { segments, isBeginning, bytesPerSecond } = request
    signal.throwIfAborted()
    const readers: SegmentReader[] = []
    for (const segment of segments) readers.push(await openSegment(this.#source, segment))
    const stream = new SegmentStream()
    const pace = new Pace(this.#clock, bytesPerSecond, readers)
    const merged = mergeSegments(readers, ALL_KEY_GROUPS, { dropTombstones: isBeginning })
    for await (const batch of merged) {
      for (const entry of batch) {
        const piece = stream.add(entry)
        if (piece !== undefined) yield piece.slice()
      }
      await pace.keep(signal)
      signal.throwIfAborted()
    }
    yield stream.finish()
    return stream.contents
  }
}

/** Keeps a merge to its rate, and lets others have their turn. */
class Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  readonly #readers: readonly SegmentReader[]
  readonly #startedAt: number
  #turnAt: number

  constructor(clock: Clock, bytesPerSecond: number, readers: readonly SegmentReader[]) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#readers = readers
    this.#startedAt = clock.elapsed()
    this.#turnAt = this.#startedAt
  }

  async keep(signal: AbortSignal): Promise<void> {
    const clock = this.#clock
    const bytes = this.#readers.reduce((sum, reader) => sum + reader.bytesRead, 0)
    const due = this.#startedAt + (bytes / this.#bytesPerSecond) * 1_000
    const now = clock.elapsed()
    if (due - now > LEAD_MS) await pause(clock, due - now, signal)
    else if (now - this.#turnAt > STRETCH_MS)
      await new Promise<void>((resolve) => clock.nextTurn(resolve))
    else return
    this.#turnAt = clock.elapsed()
  }
}
