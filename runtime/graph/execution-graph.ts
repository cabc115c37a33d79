import type { JobGraph } from './job-graph-types.ts'
import type { Partitioner } from './stream-graph.ts'

/**
 * One connection between two subtasks (R7): its own queue and its own credit.
 *
 * Ids are the same in every thread, since each computes them from the same graph.
 */
export interface ChannelPlacement {
  readonly id: number
  readonly edgeId: number
  readonly fromSubtask: number
  readonly toSubtask: number
  readonly fromSlot: number
  readonly toSlot: number
  /** Index among the inputs of the receiving subtask. */
  readonly inputIndex: number
}

/** Where everything runs: subtask i of every vertex lives in slot i, so a slot holds at most one of each. */
export interface ExecutionGraph {
  readonly slots: number
  /** All channels, by id. */
  readonly channels: readonly ChannelPlacement[]
  /** Input channels of each subtask: `inputs[vertex][subtask]`. */
  readonly inputs: readonly (readonly (readonly ChannelPlacement[])[])[]
}

/** Expands vertices into subtasks and edges into channels; pure and deterministic. */
export function buildExecutionGraph(graph: JobGraph): ExecutionGraph {
  const slots = Math.max(1, ...graph.vertices.map((vertex) => vertex.parallelism))
  const channels: ChannelPlacement[] = []
  const inputs: ChannelPlacement[][][] = graph.vertices.map((vertex) =>
    Array.from({ length: vertex.parallelism }, () => []),
  )
  for (const edge of graph.edges) {
    const fromCount = graph.vertices[edge.fromVertex]!.parallelism
    const toCount = graph.vertices[edge.toVertex]!.parallelism
    for (let from = 0; from < fromCount; from++) {
      for (let to = 0; to < toCount; to++) {
        if (!isConnected(edge.partitioner, { from, fromCount, to, toCount })) continue
        const list = inputs[edge.toVertex]![to]!
        const channel: ChannelPlacement = {
          id: channels.length,
          edgeId: edge.id,
          fromSubtask: from,
          toSubtask: to,
          fromSlot: from,
          toSlot: to,
          inputIndex: list.length,
        }
        channels.push(channel)
        list.push(channel)
      }
    }
  }
  return { slots, channels, inputs }
}

/** Whether an edge has a channel between two of its subtasks. */
function isConnected(
  partitioner: Partitioner,
  pair: {
    readonly from: number
    readonly fromCount: number
    readonly to: number
    readonly toCount: number
  },
): boolean {
  const { from, fromCount, to, toCount } = pair
  if (partitioner === 'forward') return from === to
  if (partitioner !== 'rescale') return true
  // The side with fewer subtasks is spread evenly over the other one.
  if (fromCount >= toCount) return Math.floor((from * toCount) / fromCount) === to
  return Math.floor((to * fromCount) / toCount) === from
}
