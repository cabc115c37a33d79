import { expect, it } from 'vitest'
import type { JobPlan } from '../../../runtime/graph/job-plan.ts'
import { naturallyEnded } from '../../../runtime/job/natural-end.ts'
import { planOf } from './plans.ts'

/** Vertices of two subtasks each, and edges between them. */
function plan(vertices: number, ...edges: readonly (readonly [number, number])[]): JobPlan {
  const one = planOf()
  return {
    ...one,
    vertices: Array.from({ length: vertices }, (_, index) => ({
      ...one.vertices[0]!,
      index,
      parallelism: 2,
    })),
    edges: edges.map(([fromVertex, toVertex], id) => ({
      ...({} as JobPlan['edges'][number]),
      id,
      fromVertex,
      toVertex,
    })),
  }
}

it('has ended by itself only what is behind nothing that goes on (R12, R14)', () => {
  const two = plan(5, [0, 2], [1, 2], [2, 4], [3, 4])
  const finished = (...names: string[]) =>
    naturallyEnded(two, (v, s) => names.includes(`${v}/${s}`))
  expect([...finished('0/0')]).toEqual([])
  expect([...finished('0/0', '0/1')]).toEqual([0])
  // Its report came before those of the sources in front of it.
  expect([...finished('2/0', '2/1', '0/0', '0/1')]).toEqual([0])
  expect([...finished('2/0', '2/1', '0/0', '0/1', '1/0', '1/1')]).toEqual([0, 1, 2])
  expect([...finished('4/0', '4/1', '2/0', '2/1', '3/0', '3/1')]).toEqual([3])
})
