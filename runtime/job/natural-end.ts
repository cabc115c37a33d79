import type { JobPlan } from '../graph/job-plan.ts'

/**
 * The vertices whose input has ended by itself: all their subtasks have finished, and all of those before them. Pure.
 *
 * Asked when a drain begins, of what has been reported by then: nothing that a drain ends can be among it.
 */
export function naturallyEnded(
  plan: JobPlan,
  hasFinished: (vertex: number, subtask: number) => boolean,
): ReadonlySet<number> {
  const ended = new Set(
    plan.vertices
      .filter(({ index, parallelism }) =>
        Array.from({ length: parallelism }, (_, subtask) => subtask).every((subtask) =>
          hasFinished(index, subtask),
        ),
      )
      .map(({ index }) => index),
  )
  // As often as there are vertices, at most: each round takes those away that are behind one that has not ended.
  for (let before = -1; before !== ended.size;) {
    before = ended.size
    for (const { fromVertex, toVertex } of plan.edges) {
      if (!ended.has(fromVertex)) ended.delete(toVertex)
    }
  }
  return ended
}
