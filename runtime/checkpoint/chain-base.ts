import { hashBytes } from '../key-hash.ts'
import { subKeyAt } from '../state/snapshot-format.ts'
import type { KeyGroupRange, RestoredBase, StateEntry } from '../state/state-backend.ts'
import { BlockCache } from './block-cache.ts'
import type { PinnedFile, SnapshotFiles } from './checkpoint-storage.ts'
import { EntryMerger } from './entry-merger.ts'
import { keyGroupAt } from './entry-order.ts'
import type { SegmentReference } from './manifest.ts'
import { mergeSegments } from './merge.ts'
import { SegmentLookup } from './segment-lookup.ts'
import { openSegment, type SegmentReader } from './segment-reader.ts'

/** What look-ups of neighbouring keys share; uniform ones hardly meet. */
const CACHE_BYTES = 512 * 1_024

const NOTHING = new Uint8Array(0)

/** A storage whose files can be read at once. */
export type PinningStorage = SnapshotFiles & Required<Pick<SnapshotFiles, 'pin'>>

export function isPinning(storage: SnapshotFiles): storage is PinningStorage {
  return storage.pin !== undefined
}

/**
 * Opens a chain of segments, the oldest first, for look-ups. All its files are open until it is closed: folding may replace
 * them, and retention remove them, while the chain is read.
 */
export async function openChain(
  storage: PinningStorage,
  chain: readonly SegmentReference[],
  range: KeyGroupRange,
): Promise<ChainBase> {
  const files: PinnedFile[] = []
  try {
    const readers: SegmentReader[] = []
    for (const reference of chain) {
      const file = await storage.pin(reference.file)
      files.push(file)
      readers.push(
        await openSegment({ read: (_, offset, length) => file.read(offset, length) }, reference),
      )
    }
    return new ChainBase(readers, files, range)
  } catch (error) {
    await Promise.all(files.map((file) => file.close()))
    throw error
  }
}

/**
 * A chain of segments as one read-only level of state: look-ups go from the newest segment to the oldest until one says what
 * became of the key (a value, a deletion, or a `clear` of what stands before its sub-key).
 *
 * Costs about 0.5 µs a segment of the chain, and some 12 µs for a block that is read.
 */
export class ChainBase implements RestoredBase {
  readonly #readers: readonly SegmentReader[]
  readonly #files: readonly PinnedFile[]
  readonly #range: KeyGroupRange
  /** The newest first. */
  readonly #lookups: readonly SegmentLookup[]
  readonly #cache: BlockCache = new BlockCache(CACHE_BYTES)
  readonly #indexBytes: number
  /** What was asked for last, since pages of one map come one after another. */
  #boundsOf: { readonly key: Uint8Array; readonly bounds: readonly Uint8Array[] } = {
    key: NOTHING,
    bounds: [],
  }

  constructor(
    readers: readonly SegmentReader[],
    files: readonly PinnedFile[],
    range: KeyGroupRange,
  ) {
    this.#readers = readers
    this.#files = files
    this.#range = range
    this.#lookups = readers
      .map((reader, i) => new SegmentLookup(reader, files[i]!, this.#cache, i))
      .reverse()
    this.#indexBytes = readers.reduce((sum, { index }) => sum + index.byteLength, 0)
  }

  get memoryBytes(): number {
    return this.#indexBytes + this.#cache.byteLength
  }

  get entryCount(): number {
    const { first, last } = this.#range
    const blocks = this.#readers.flatMap(({ index }) => index.blocksOf(first, last))
    return blocks.reduce((sum, { entries }) => sum + entries, 0)
  }

  mightHold(key: Uint8Array): boolean {
    const keyGroup = keyGroupAt(key)
    const hash = hashBytes(key, 0, key.length)
    for (const segment of this.#lookups) {
      if (segment.covers(keyGroup) && segment.mightHold(key, hash)) return true
    }
    return false
  }

  read(key: Uint8Array): Uint8Array | undefined {
    const keyGroup = keyGroupAt(key)
    const hash = hashBytes(key, 0, key.length)
    const prefix = key.subarray(0, subKeyAt(key) ?? key.length)
    const prefixHash = hashBytes(prefix, 0, prefix.length)
    for (const segment of this.#lookups) {
      if (!segment.covers(keyGroup)) continue
      const found = segment.get(key, hash)
      if (found === 'deleted') return undefined
      if (found !== undefined) return found.slice()
      if (segment.isCleared(prefix, prefixHash)) return undefined
    }
    return undefined
  }

  subKeys(key: Uint8Array, from: Uint8Array = NOTHING, before?: Uint8Array): readonly Uint8Array[] {
    const keyGroup = keyGroupAt(key)
    const hash = hashBytes(key, 0, key.length)
    const newest: StateEntry[][] = []
    for (const segment of this.#lookups) {
      if (!segment.covers(keyGroup)) continue
      newest.push(segment.below(key, hash, from, before))
      if (segment.isCleared(key, hash)) break
    }
    const sources = newest.reverse()
    const merger = new EntryMerger(sources.length, { dropTombstones: true })
    for (const [source, entries] of sources.entries()) {
      if (entries.length > 0) merger.feed(source, entries)
      else merger.end(source)
    }
    const merged: StateEntry[] = []
    for (;;) {
      const ended = merger.merge(merged, Infinity)
      if (ended === undefined) break
      merger.end(ended)
    }
    return merged.map((entry) => entry.key.subarray(key.length))
  }

  /** O(blocks that hold these entries), but for the key that was asked for last. */
  bounds(key: Uint8Array): readonly Uint8Array[] {
    if (Buffer.compare(key, this.#boundsOf.key) !== 0) {
      const keyGroup = keyGroupAt(key)
      const all = this.#lookups
        .filter((segment) => segment.covers(keyGroup))
        .flatMap((segment) => segment.bounds(key))
        .sort((a, b) => Buffer.compare(a, b))
      const bounds = all.filter((bound, i) => i === 0 || Buffer.compare(bound, all[i - 1]!) !== 0)
      this.#boundsOf = { key: key.slice(), bounds }
    }
    return this.#boundsOf.bounds
  }

  /** Timers by themselves cost a read of the blocks that hold some, found by the first keys of the blocks. */
  entries(stateIds: ReadonlySet<number>): AsyncIterable<readonly StateEntry[]> {
    return mergeSegments(this.#readers, this.#range, { dropTombstones: true, stateIds })
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()))
  }
}
