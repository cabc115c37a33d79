import type { ExecutionGraph } from '../graph/execution-graph.ts'
import type { JobGraph } from '../graph/job-graph-types.ts'
import type { Alignment, OperatorFigures } from '../messages.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { Subtask } from './subtask.ts'
import { type InputOrigin, operatorTime } from './watermark-hold.ts'

/** So many inputs are told of: messages are read by people. */
const MAX_MISSING = 3

/** What a slot reports of its operators every now and then; all of it is read off, nothing is counted for it. */
export class SlotFigures {
  readonly #graph: JobGraph
  readonly #execution: ExecutionGraph
  readonly #slot: number

  constructor(graph: JobGraph, execution: ExecutionGraph, slot: number) {
    this.#graph = graph
    this.#execution = execution
    this.#slot = slot
  }

  /** The figures of all operators of these subtasks by now. */
  of(subtasks: readonly Subtask[]): OperatorFigures[] {
    return subtasks.flatMap((subtask) => this.#ofSubtask(subtask))
  }

  #ofSubtask(subtask: Subtask): OperatorFigures[] {
    const { index: vertex } = subtask.options.vertex
    const { time } = subtask
    return time.nodes.map((node, index) => {
      const body = node.body as NodeRuntime['body'] | undefined
      return {
        name: node.name,
        recordsIn: node.recordsIn,
        recordsOut: node.recordsOut,
        watermark: node.watermark,
        maxTimestamp: body?.kind === 'source' ? body.source.maxTimestamp : -Infinity,
        counters: { ...node.counters },
        time: operatorTime(time, index, this.#slot, (input) => this.#originOf(vertex, input)),
      }
    })
  }

  /** The subtasks that wait for barriers, and for whose. */
  alignments(subtasks: readonly Subtask[]): Alignment[] {
    return subtasks.flatMap((subtask) => {
      const pending = subtask.awaitedBarriers
      if (pending === undefined) return []
      const { index: vertex } = subtask.options.vertex
      const missing = pending.inputs.slice(0, MAX_MISSING).map((input) => {
        const { operator, subtask: from } = this.#originOf(vertex, input)
        return `${operator}[${from}]`
      })
      if (pending.inputs.length > MAX_MISSING) {
        missing.push(`${pending.inputs.length - MAX_MISSING} more`)
      }
      const { checkpointId } = pending
      return [{ subtask: { vertex, subtask: this.#slot }, checkpointId, missing }]
    })
  }

  #originOf(vertex: number, input: number): InputOrigin {
    const { edgeId, fromSubtask } = this.#execution.inputs[vertex]![this.#slot]![input]!
    const { fromVertex, fromChainNode, toInput } = this.#graph.edges[edgeId]!
    const { name } = this.#graph.vertices[fromVertex]!.chain[fromChainNode]!.node
    return { input: toInput, operator: name, subtask: fromSubtask }
  }
}
