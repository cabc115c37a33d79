import { beforeEach, describe, expect, it } from 'vitest'
import type { SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import type { RestoredSubtask } from '../../../runtime/messages.ts'
import type { KeyedStateBackend, StateEntry } from '../../../runtime/state/state-backend.ts'
import { restoreState } from '../../../runtime/task/restore-state.ts'
import { SimulatedDisk, SimulatedStorage } from '../../../testing/simulated-storage.ts'

/** Key group, state id, and one byte of key. */
function entry(
  [keyGroup, stateId, key]: readonly [number, number, number],
  value: number | 'delete',
): StateEntry {
  return {
    key: Uint8Array.of(keyGroup >> 8, keyGroup & 255, stateId >> 8, stateId & 255, key),
    kind: value === 'delete' ? 'delete' : 'put',
    value: value === 'delete' ? new Uint8Array(0) : Uint8Array.of(value),
  }
}

describe('restoreState', () => {
  let storage: SimulatedStorage
  let taken: { entries: string[]; asChanges: boolean | undefined }[]
  let backend: KeyedStateBackend

  beforeEach(() => {
    storage = new SimulatedStorage({ disk: new SimulatedDisk(), later: queueMicrotask })
    taken = []
    backend = {
      restore: async (
        entries: AsyncIterable<StateEntry> | Iterable<StateEntry>,
        options?: { asChanges?: boolean },
      ) => {
        const list: string[] = []
        for await (const { key, value } of entries) list.push(`${[...key].join('.')}=${value[0]}`)
        taken.push({ entries: list, asChanges: options?.asChanges })
      },
    } as unknown as KeyedStateBackend
  })

  async function segment(name: string, entries: readonly StateEntry[]): Promise<SegmentReference> {
    return (await writeSegment(storage, 1, name, entries))!
  }

  function restored(
    chains: readonly (readonly SegmentReference[])[],
    continuesChain = true,
  ): RestoredSubtask {
    return {
      vertex: 0,
      subtask: 0,
      chains,
      continuesChain,
      operatorState: {},
      watermarks: {},
      isFinished: false,
    }
  }

  it('hands over the newest entry of each key, without what was deleted', async () => {
    const chain = [
      await segment('a', [entry([1, 7, 1], 10), entry([1, 7, 2], 20), entry([1, 7, 3], 30)]),
      await segment('b', [entry([1, 7, 2], 'delete'), entry([1, 7, 3], 33)]),
    ]
    await restoreState({
      backend,
      restored: restored([chain]),
      storage,
      range: { first: 0, last: 9 },
      stateIds: new Set([7]),
      timerIds: new Set(),
      eagerBytes: Infinity,
    })
    expect(taken).toEqual([{ entries: ['0.1.0.7.1=10', '0.1.0.7.3=33'], asChanges: false }])
  })

  it('takes only key groups of the subtask and states that it declares', async () => {
    const chain = [
      await segment('a', [
        entry([1, 7, 1], 1),
        entry([2, 7, 1], 2),
        entry([2, 8, 1], 3),
        entry([2, 300, 1], 4),
        entry([3, 7, 1], 5),
        entry([4, 7, 1], 6),
      ]),
    ]
    await restoreState({
      backend,
      restored: restored([chain]),
      storage,
      range: { first: 2, last: 3 },
      stateIds: new Set([7, 300]),
      timerIds: new Set(),
      eagerBytes: Infinity,
    })
    expect(taken[0]!.entries).toEqual(['0.2.0.7.1=2', '0.2.1.44.1=4', '0.3.0.7.1=5'])
  })

  it('counts everything as changed where the chain does not go on (R24)', async () => {
    const chains = [
      [await segment('a', [entry([1, 7, 1], 1)])],
      [await segment('b', [entry([1, 8, 1], 2)])],
    ]
    await restoreState({
      backend,
      restored: restored(chains, false),
      storage,
      range: { first: 0, last: 9 },
      stateIds: new Set([7, 8]),
      timerIds: new Set(),
      eagerBytes: Infinity,
    })
    expect(taken.map(({ asChanges }) => asChanges)).toEqual([true, true])
  })

  it('restores nothing from a part without segments, but does so', async () => {
    await restoreState({
      backend,
      restored: restored([]),
      storage,
      range: { first: 0, last: 9 },
      stateIds: new Set(),
      timerIds: new Set(),
      eagerBytes: Infinity,
    })
    expect(taken).toEqual([{ entries: [], asChanges: undefined }])
  })
})
