import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import type { JobPlan, PlanEdge, PlanOperator, PlanVertex } from '../graph/job-plan.ts'
import type { Partitioner } from '../graph/stream-graph.ts'

/** Partitioners with which every subtask gets the same, or the same keys, however many there are before it. */
const INDEPENDENT: ReadonlySet<Partitioner> = new Set<Partitioner>([
  'hash',
  'broadcast',
  'global',
  'shuffle',
  'custom',
])

/**
 * The vertices whose subtasks get other input than those of the same number in the checkpoint: where their number has changed,
 * and all that is behind such a one up to the next exchange to all (R8, R12). Pure.
 */
export function rearrangedVertices(manifest: CheckpointManifest, plan: JobPlan): Set<number> {
  const rearranged = new Set<number>()
  const comesFromSuch = ({ fromVertex, partitioner }: PlanEdge): boolean =>
    rearranged.has(fromVertex) && !INDEPENDENT.has(partitioner)
  for (const vertex of plan.vertices) {
    const inputs = plan.edges.filter(({ toVertex }) => toVertex === vertex.index)
    // A single subtask gets everything, as it did before.
    const getsOther = vertex.parallelism > 1 && inputs.some(comesFromSuch)
    if (isRescaled(manifest, vertex) || getsOther) rearranged.add(vertex.index)
  }
  return rearranged
}

function isRescaled(manifest: CheckpointManifest, { chain }: PlanVertex): boolean {
  return chain.some((operator) => isOther(parallelismIn(manifest, operator), operator))
}

/** What the user reads of it: `parallelism 2 → 5`, and operators that have changed by themselves. */
export function parallelismNotes(manifest: CheckpointManifest, plan: JobPlan): string[] {
  const notes: string[] = []
  const arrow = (was: number, is: number): string => `parallelism ${was} → ${is}`
  if (manifest.parallelism !== plan.parallelism) {
    notes.push(arrow(manifest.parallelism, plan.parallelism))
  }
  for (const operator of plan.vertices.flatMap(({ chain }) => chain)) {
    const was = parallelismIn(manifest, operator)
    if (!isOther(was, operator)) continue
    const isThatOfTheJob = was === manifest.parallelism && operator.parallelism === plan.parallelism
    if (!isThatOfTheJob)
      notes.push(`operator "${operator.name}": ${arrow(was, operator.parallelism)}`)
  }
  return notes
}

function parallelismIn(manifest: CheckpointManifest, { name }: PlanOperator): number | undefined {
  return manifest.operators.find(({ uid }) => uid === name)?.parallelism
}

function isOther(was: number | undefined, { parallelism }: PlanOperator): was is number {
  return was !== undefined && was !== parallelism
}
