import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildExecutionGraph } from '../../../runtime/graph/execution-graph.ts'
import { buildJobGraph } from '../../../runtime/graph/job-graph.ts'
import type { Partitioning } from '../../../runtime/graph/stream-graph.ts'
import { GraphFixture } from './graph-fixtures.ts'

/** Pairs of subtasks that an edge of this partitioning connects. */
function pairs(kind: Partitioning['kind'], from: number, to: number): [from: number, to: number][] {
  const graph = new GraphFixture()
  const source = graph.source('in', { parallelism: from })
  const partitioning: Partitioning = kind === 'custom' ? { kind, partition: () => 0 } : { kind }
  graph.sink('out', [{ ...source, partitioning }], { parallelism: to })
  const jobGraph = buildJobGraph(graph, { parallelism: 1, maxParallelism: 128 })
  const { channels } = buildExecutionGraph(jobGraph)
  return channels.map(({ fromSubtask, toSubtask }) => [fromSubtask, toSubtask])
}

const counts = fc.integer({ min: 1, max: 12 })

describe('buildExecutionGraph', () => {
  test('connects every pair for all but forward and rescale (semantics 1.1)', () => {
    for (const kind of ['rebalance', 'shuffle', 'broadcast', 'global', 'custom'] as const) {
      expect(pairs(kind, 2, 3)).toHaveLength(6)
    }
  })

  test.each([
    [
      2,
      4,
      [
        [0, 0],
        [0, 1],
        [1, 2],
        [1, 3],
      ],
    ],
    [
      4,
      2,
      [
        [0, 0],
        [1, 0],
        [2, 1],
        [3, 1],
      ],
    ],
    [
      3,
      3,
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
    [
      1,
      3,
      [
        [0, 0],
        [0, 1],
        [0, 2],
      ],
    ],
    [
      3,
      2,
      [
        [0, 0],
        [1, 0],
        [2, 1],
      ],
    ],
  ] as const)(
    'rescale from %i to %i subtasks has few channels (semantics 1.1)',
    (from, to, expected) => {
      expect(pairs('rescale', from, to)).toEqual(expected)
    },
  )

  test('rescale gives every subtask of the smaller side an even share, and every other one exactly one', () => {
    fc.assert(
      fc.property(counts, counts, (from, to) => {
        const connected = pairs('rescale', from, to)
        expect(connected).toHaveLength(Math.max(from, to))
        const [few, side] = from <= to ? [from, 0] : [to, 1]
        const shares = Array.from(
          { length: few },
          (_, subtask) => connected.filter((pair) => pair[side as 0 | 1] === subtask).length,
        )
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      }),
    )
  })
})
