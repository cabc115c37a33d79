import type { CustomPartitioning, KeyExchange, Partitioner, StreamNode } from './stream-graph.ts'

/** A node within the chain of a vertex. */
export interface ChainNode {
  readonly node: StreamNode
  /** Index of the chain node that calls it, or -1: it is a head, fed by the inputs of the vertex. */
  readonly parent: number
  /** Which output of the parent feeds it; undefined is the main one. */
  readonly parentTag: string | undefined
}

/** An edge between two vertices; each pair (from subtask, to subtask) that it connects is one channel (R7). */
export interface JobEdge {
  /** Index in `JobGraph.edges`. */
  readonly id: number
  readonly fromVertex: number
  /** Index into the chain of the vertex it leaves. */
  readonly fromChainNode: number
  readonly fromTag: string | undefined
  readonly toVertex: number
  /** Which input of the vertex's head it feeds; 2 only where the head has two. */
  readonly toInput: 1 | 2
  readonly partitioner: Partitioner
  /** Set for `hash`. */
  readonly exchange: KeyExchange | undefined
  /** Set for `custom`. */
  readonly custom: CustomPartitioning | undefined
}

/**
 * A chain of nodes that run as one subtask. The chain is in topological order (parents first). Either its only head is
 * a source, or all its heads read the same input edges: one head with plain inputs or with two inputs, or one or more heads
 * behind one key exchange (each record goes to every head).
 */
export interface Vertex {
  readonly index: number
  /** Name of its first node; stable as long as that node's uid is. */
  readonly name: string
  readonly parallelism: number
  readonly chain: readonly ChainNode[]
  readonly inputEdges: readonly number[]
  readonly outputEdges: readonly number[]
  /** The key exchange that all heads are behind, if any: the chain's heads are keyed. */
  readonly exchange: KeyExchange | undefined
  /** The key exchange of the head's second input, if it has a keyed one. */
  readonly secondExchange: KeyExchange | undefined
}

/** What runs: vertices in topological order, and the edges between them. */
export interface JobGraph {
  readonly vertices: readonly Vertex[]
  readonly edges: readonly JobEdge[]
  readonly maxParallelism: number
}
