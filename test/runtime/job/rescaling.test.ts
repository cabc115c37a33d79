import { describe, expect, it } from 'vitest'
import type { JobPlan, PlanOperator } from '../../../runtime/graph/job-plan.ts'
import type { Partitioner } from '../../../runtime/graph/stream-graph.ts'
import { parallelismNotes, rearrangedVertices } from '../../../runtime/job/rescaling.ts'
import { manifestOf, operatorOf, planOf, source } from './plans.ts'

const chains = (map: PlanOperator) => [[source], [map], [operatorOf('last')]]

/** source → map → last, with these parallelisms, and edges of this kind. */
function line(parallelisms: readonly number[], partitioner: Partitioner): JobPlan {
  const plan = planOf({ parallelism: Math.max(...parallelisms), chains: chains(operatorOf('map')) })
  return {
    ...plan,
    parallelism: parallelisms[0]!,
    edges: plan.edges.map((edge) => ({ ...edge, partitioner })),
    vertices: plan.vertices.map((vertex, index) => ({
      ...vertex,
      parallelism: parallelisms[index]!,
      chain: vertex.chain.map((one) => ({ ...one, parallelism: parallelisms[index]! })),
    })),
  }
}

function rearranged(was: readonly number[], is: readonly number[], by: Partitioner): number[] {
  return [...rearrangedVertices(manifestOf(line(was, by), 7), line(is, by))]
}

describe('which subtasks get other input than before', () => {
  it('are none where all stays (R12)', () => {
    expect(rearranged([2, 2, 2], [2, 2, 2], 'forward')).toEqual([])
  })

  it('are all behind one of another number, up to an exchange to all (R8, R12)', () => {
    for (const by of ['forward', 'rescale', 'rebalance'] as const) {
      expect(rearranged([2, 2, 2], [3, 2, 2], by)).toEqual([0, 1, 2])
    }
    for (const by of ['hash', 'broadcast', 'global', 'shuffle', 'custom'] as const) {
      expect(rearranged([2, 2, 2], [3, 2, 2], by)).toEqual([0])
    }
    expect(rearranged([2, 2, 2], [2, 3, 2], 'rebalance')).toEqual([1, 2])
  })

  it('are not those that are alone: one subtask gets everything, as before (R12)', () => {
    expect(rearranged([2, 1, 2], [3, 1, 2], 'rebalance')).toEqual([0])
  })
})

describe('what is told of another parallelism', () => {
  it('is that of the job, and of operators that have changed by themselves (R12)', () => {
    const notes = (was: readonly number[], is: readonly number[]): string[] =>
      parallelismNotes(manifestOf(line(was, 'hash'), 7), line(is, 'hash'))
    expect(notes([2, 2, 2], [2, 2, 2])).toEqual([])
    expect(notes([2, 2, 1], [5, 5, 1])).toEqual(['parallelism 2 → 5'])
    expect(notes([2, 2, 1], [2, 2, 3])).toEqual(['operator "last": parallelism 1 → 3'])
    expect(notes([2, 4, 1], [5, 3, 1])).toEqual([
      'parallelism 2 → 5',
      'operator "map": parallelism 4 → 3',
    ])
  })
})
