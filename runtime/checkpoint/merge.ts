import type { KeyGroupRange, StateEntry } from '../state/state-backend.ts'
import { EntryMerger } from './entry-merger.ts'
import type { SegmentReader } from './segment-reader.ts'

/** Most entries handed on at once, so that whoever takes them can pause in between. */
const MAX_BATCH = 1_024

/**
 * Merges segments, the oldest first, into one ascending sequence of entries that means the same (R29: on bytes, nothing is
 * decoded). Of each key the newest entry is left, and nothing that a later `clear` removes.
 *
 * `dropTombstones` leaves out `delete` and `clear` as well: right only where no older segment exists; `stateIds` all entries
 * of other states. Reads ahead at most 256 KiB of each segment.
 */
export function mergeSegments(
  readers: readonly SegmentReader[],
  range: KeyGroupRange,
  options: { readonly dropTombstones: boolean; readonly stateIds?: ReadonlySet<number> },
): AsyncGenerator<readonly StateEntry[]> {
  return mergeEntries(
    readers.map((reader) => reader.blocks(range, options.stateIds)),
    options,
  )
}

/** As `mergeSegments`, of any ascending sequences of entries, the oldest first; reads ahead one batch of each. */
export async function* mergeEntries(
  sources: readonly AsyncIterator<readonly StateEntry[]>[],
  options: { readonly dropTombstones: boolean },
): AsyncGenerator<readonly StateEntry[]> {
  const merger = new EntryMerger(sources.length, options)
  const feed = async (source: number): Promise<void> => {
    const next = await sources[source]!.next()
    if (next.done === true) merger.end(source)
    else merger.feed(source, next.value)
  }
  await Promise.all(sources.map((_, source) => feed(source)))
  for (;;) {
    const batch: StateEntry[] = []
    const hungry = merger.merge(batch, MAX_BATCH)
    // Handed on before more is read: a batch holds views into what is read of each segment at a time.
    if (batch.length > 0) yield batch
    else if (hungry === undefined) return
    if (hungry !== undefined) await feed(hungry)
  }
}
