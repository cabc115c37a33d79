import { expect, it } from 'vitest'
import type { CheckpointBarrier } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { beginSubtaskSnapshot } from '../../../runtime/task/subtask-snapshot.ts'

it.each<[CheckpointBarrier['kind'], isFinished: boolean, isLast: boolean]>([
  ['checkpoint', false, false],
  ['checkpoint', true, true],
  ['stop', false, true],
])(
  'tells sinks whether a record follows: a %s, ended: %s (R14, R34)',
  async (kind, isFinished, isLast) => {
    const told: unknown[] = []
    const sink = {
      prepareCommit: (...given: readonly unknown[]) => {
        told.push(given)
        return Promise.resolve([])
      },
    }
    const node = { name: 'out', watermark: 5, body: { kind: 'sink', sink } }
    const { part } = beginSubtaskSnapshot({
      nodes: [node as unknown as NodeRuntime],
      backend: undefined,
      storage: undefined as never,
      failpoint() {},
      segmentName: 'segment',
      barrier: { checkpointId: 7, baseId: 6, kind },
      isFinished,
    })
    await part
    expect(told).toEqual([[7, 6, isLast]])
  },
)
