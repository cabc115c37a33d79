import type { SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import { mergeSegments } from '../checkpoint/merge.ts'
import { openSegment } from '../checkpoint/segment-reader.ts'
import type { RestoredSubtask } from '../messages.ts'
import type { KeyGroupRange, KeyedStateBackend, StateEntry } from '../state/state-backend.ts'

/**
 * Reads the state of one subtask back: merges each chain of segments and hands the newest entry of each key to the
 * backend. Only entries of the subtask's key groups and of states it declares are taken.
 */
export async function restoreState(options: {
  readonly backend: KeyedStateBackend
  readonly restored: RestoredSubtask
  readonly storage: SnapshotFiles
  readonly range: KeyGroupRange
  readonly stateIds: ReadonlySet<number>
}): Promise<void> {
  const { backend, restored } = options
  if (restored.chains.length === 0) await backend.restore([])
  for (const chain of restored.chains) {
    const readers = await Promise.all(chain.map((segment) => openSegment(options.storage, segment)))
    const blocks = mergeSegments(readers, options.range, { dropTombstones: true })
    await backend.restore(entriesOf(blocks, options.stateIds), {
      asChanges: !restored.continuesChain,
    })
  }
}

/** Entry keys begin with key group (u16) and state id (u16), both big-endian. */
async function* entriesOf(
  blocks: AsyncIterable<readonly StateEntry[]>,
  stateIds: ReadonlySet<number>,
): AsyncGenerator<StateEntry> {
  for await (const block of blocks) {
    for (const entry of block) {
      if (stateIds.has(entry.key[2]! * 256 + entry.key[3]!)) yield entry
    }
  }
}
