import { isPinning, openChain, type PinningStorage } from '../checkpoint/chain-base.ts'
import type { SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import type { SegmentReference } from '../checkpoint/manifest.ts'
import { mergeSegments } from '../checkpoint/merge.ts'
import { openSegment } from '../checkpoint/segment-reader.ts'
import type { RestoredSubtask } from '../messages.ts'
import type { KeyGroupRange, KeyedStateBackend, StateEntry } from '../state/state-backend.ts'

export interface RestoreOptions {
  readonly backend: KeyedStateBackend
  readonly restored: RestoredSubtask
  readonly storage: SnapshotFiles
  readonly range: KeyGroupRange
  /** Ids of the states that the subtask declares, and of its timers. */
  readonly stateIds: ReadonlySet<number>
  readonly timerIds: ReadonlySet<number>
  /** State up to this size is read before the first record: it takes no time that anyone notices. */
  readonly eagerBytes: number
}

/**
 * Reads the state of one subtask back: the newest entry of each key, of the subtask's key groups and of states it declares.
 *
 * State that is large, and part of the chain that goes on, does not hold up the first record: only timers are read, and all else
 * is left to the backend, which finds it in the segments until it has loaded it (R28). Otherwise everything is read here.
 */
export async function restoreState(options: RestoreOptions): Promise<void> {
  const { backend, restored, storage, eagerBytes } = options
  const { chains, continuesChain } = restored
  const bytes = chains.flat().reduce((sum, one) => sum + (one.rangeBytes ?? one.bytes), 0)
  if (continuesChain && backend.canAdopt && isPinning(storage) && bytes > eagerBytes) {
    await leaveToBackend(storage, chains.flat(), options)
    return
  }
  if (chains.length === 0) await backend.restore([])
  for (const chain of chains) {
    const readers = await Promise.all(chain.map((segment) => openSegment(storage, segment)))
    const { range, stateIds } = options
    const merged = mergeSegments(readers, range, { dropTombstones: true, stateIds })
    await backend.restore(entriesOf(merged), { asChanges: !continuesChain })
  }
}

async function leaveToBackend(
  storage: PinningStorage,
  chain: readonly SegmentReference[],
  { backend, range, timerIds }: RestoreOptions,
): Promise<void> {
  const base = await openChain(storage, chain, range)
  try {
    await backend.restore(entriesOf(base.entries(timerIds)))
  } catch (error) {
    await base.close()
    throw error
  }
  backend.adopt(base)
}

async function* entriesOf(
  batches: AsyncIterable<readonly StateEntry[]>,
): AsyncGenerator<StateEntry> {
  for await (const batch of batches) yield* batch
}
