import { describe, expect, it } from 'vitest'
import type { ManifestState, ManifestSubtask } from '../../../runtime/checkpoint/manifest.ts'
import { partlyFinished } from '../../../runtime/checkpoint/partly-finished.ts'

function part(vertex: string, subtaskIndex: number, isFinished: boolean): ManifestSubtask {
  const watermarks = { [vertex]: null, offsets: null }
  return { vertex, subtaskIndex, segments: [], operatorState: {}, watermarks, isFinished }
}

const UNION: ManifestState = {
  stateId: 1,
  uid: 'offsets',
  name: 'all',
  kind: 'union-list',
  version: 1,
}

describe('a checkpoint of an operator with a union list', () => {
  it('must not be where some of its subtasks have finished and others have not (semantics 2.9)', () => {
    const parts = [part('reader', 0, false), part('reader', 1, true)]
    expect(partlyFinished(parts, [UNION], 7)).toMatchObject({
      code: 'MR_CHECKPOINT_PARTLY_FINISHED',
      message: expect.stringContaining(
        'Checkpoint 7 was taken when reader[1] had finished and the other subtasks of operator "offsets" had not',
      ),
      fields: { checkpointId: 7, operator: 'offsets', state: 'all' },
    })
  })

  it('is taken where none has finished, or all have (R34)', () => {
    for (const isFinished of [true, false]) {
      const parts = [part('reader', 0, isFinished), part('reader', 1, isFinished)]
      expect(partlyFinished(parts, [UNION], 7)).toBeUndefined()
    }
  })

  it('does not care for other operators, other lists, and lists that are gone', () => {
    const parts = [part('reader', 0, false), part('reader', 1, true)]
    for (const other of [
      { uid: 'elsewhere' },
      { kind: 'operator-list' },
      { isDropped: true },
    ] as const) {
      expect(partlyFinished(parts, [{ ...UNION, ...other }], 7)).toBeUndefined()
    }
  })
})
