import { invariant } from '../errors.ts'
import type { ChainNode, JobEdge, JobGraph, Vertex } from './job-graph-types.ts'
import type {
  KeyExchange,
  NodeReading,
  OperatorNode,
  Partitioner,
  StreamGraph,
  StreamInput,
  StreamNode,
} from './stream-graph.ts'

/** How many subtasks a graph is spread over. */
export interface JobGraphOptions {
  /** For nodes that set none of their own. */
  readonly parallelism: number
  readonly maxParallelism: number
}

/**
 * Groups the nodes of a graph into vertices, and joins the vertices by edges; pure, the same in every thread.
 *
 * A node is chained to the node it reads when that is its only input, both have the same parallelism, and neither the
 * reading asks for another partitioning nor one of them for no chaining. All consumers of one key exchange that have the
 * same parallelism are the heads of one vertex: each record is keyed and moved once. Everything else begins a vertex of its
 * own. A union and an operator with two inputs do so too, since the watermarks of their inputs have to be merged: where an
 * input has the same parallelism its edge is a forward one, so both ends are in one slot and joined by a direct call (R6),
 * else records go round robin. Vertices come out in topological order.
 */
export function buildJobGraph(graph: StreamGraph, options: JobGraphOptions): JobGraph {
  const drafting = new Drafting(options)
  for (const node of graph.nodes) drafting.place(node)
  return drafting.finish()
}

/** The parallelism of a node: its own, or else the job's. */
export function parallelismOf(node: StreamNode, jobParallelism: number): number {
  return node.parallelism ?? jobParallelism
}

interface DraftVertex extends Vertex {
  readonly chain: ChainNode[]
  readonly inputEdges: number[]
  readonly outputEdges: number[]
}

/** Where a node has been put. */
interface Place {
  readonly vertex: DraftVertex
  /** Index in the chain of the vertex. */
  readonly index: number
}

class Drafting {
  readonly #options: JobGraphOptions
  readonly #vertices: DraftVertex[] = []
  readonly #edges: JobEdge[] = []
  /** By node id. */
  readonly #places: Place[] = []
  /** Vertices behind an exchange, by exchange and parallelism. */
  readonly #keyed: Map<string, DraftVertex> = new Map()

  constructor(options: JobGraphOptions) {
    this.#options = options
  }

  /** Called for each node in the order of ids, so what it reads has been placed. */
  place(node: StreamNode): void {
    if (node.type === 'source') this.#append(this.#vertexFor(node, undefined), node, -1, undefined)
    else if (node.type === 'operator' && node.second !== undefined) {
      this.#placeTwoInput(node, node.second)
    } else if (node.exchange !== undefined) this.#placeKeyed(node, node.exchange)
    else this.#placePlain(node, node.inputs)
  }

  finish(): JobGraph {
    const { maxParallelism } = this.#options
    return { vertices: this.#vertices, edges: this.#edges, maxParallelism }
  }

  #placeKeyed(node: StreamNode, exchange: KeyExchange): void {
    const own = node.chaining === 'alone' ? `/${node.id}` : ''
    const key = `${exchange.id}/${this.#parallelismOf(node)}${own}`
    let vertex = this.#keyed.get(key)
    if (vertex === undefined) {
      vertex = this.#vertexFor(node, exchange)
      this.#keyed.set(key, vertex)
      this.#connectAll({ inputs: [], exchange }, vertex, 1)
    }
    this.#append(vertex, node, -1, undefined)
  }

  #placeTwoInput(node: OperatorNode, second: NodeReading): void {
    const vertex = this.#vertexFor(node, node.exchange, second.exchange)
    this.#connectAll(node, vertex, 1)
    this.#connectAll(second, vertex, 2)
    this.#append(vertex, node, -1, undefined)
  }

  #placePlain(node: StreamNode, inputs: readonly StreamInput[]): void {
    const [input] = inputs
    invariant(input !== undefined, `node "${node.name}" reads nothing`)
    const place = this.#placeOf(input)
    if (inputs.length === 1 && this.#mayChain(node, input, place)) {
      this.#append(place.vertex, node, place.index, input.tag)
      return
    }
    const vertex = this.#vertexFor(node, undefined)
    this.#connectAll({ inputs, exchange: undefined }, vertex, 1)
    this.#append(vertex, node, -1, undefined)
  }

  #mayChain(node: StreamNode, { partitioning }: StreamInput, { vertex, index }: Place): boolean {
    if (partitioning !== undefined && partitioning.kind !== 'forward') return false
    if (node.chaining !== undefined || vertex.chain[index]!.node.chaining === 'alone') return false
    return vertex.parallelism === this.#parallelismOf(node)
  }

  #vertexFor(
    node: StreamNode,
    exchange: KeyExchange | undefined,
    secondExchange?: KeyExchange,
  ): DraftVertex {
    const vertex: DraftVertex = {
      index: this.#vertices.length,
      name: node.name,
      parallelism: this.#parallelismOf(node),
      chain: [],
      inputEdges: [],
      outputEdges: [],
      exchange,
      secondExchange,
    }
    this.#vertices.push(vertex)
    return vertex
  }

  #append(
    vertex: DraftVertex,
    node: StreamNode,
    parent: number,
    parentTag: string | undefined,
  ): void {
    this.#places[node.id] = { vertex, index: vertex.chain.length }
    vertex.chain.push({ node, parent, parentTag })
  }

  #connectAll({ inputs, exchange }: NodeReading, to: DraftVertex, toInput: 1 | 2): void {
    for (const input of exchange?.inputs ?? inputs) this.#connect(input, exchange, to, toInput)
  }

  #connect(
    input: StreamInput,
    exchange: KeyExchange | undefined,
    to: DraftVertex,
    toInput: 1 | 2,
  ): void {
    const from = this.#placeOf(input)
    const { partitioning } = input
    const byDefault: Partitioner =
      from.vertex.parallelism === to.parallelism ? 'forward' : 'rebalance'
    const edge: JobEdge = {
      id: this.#edges.length,
      fromVertex: from.vertex.index,
      fromChainNode: from.index,
      fromTag: input.tag,
      toVertex: to.index,
      toInput,
      partitioner: exchange !== undefined ? 'hash' : (partitioning?.kind ?? byDefault),
      exchange,
      custom: partitioning?.kind === 'custom' ? partitioning : undefined,
    }
    this.#edges.push(edge)
    from.vertex.outputEdges.push(edge.id)
    to.inputEdges.push(edge.id)
  }

  #placeOf(input: StreamInput): Place {
    const place = this.#places[input.nodeId]
    invariant(place !== undefined, `node ${input.nodeId} is read before it is there`)
    return place
  }

  #parallelismOf(node: StreamNode): number {
    return parallelismOf(node, this.#options.parallelism)
  }
}
