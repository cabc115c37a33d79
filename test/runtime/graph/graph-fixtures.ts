import fc from 'fast-check'
import { parallelismOf } from '../../../runtime/graph/job-graph.ts'
import type {
  KeyExchange,
  OperatorNode,
  SinkNode,
  SourceNode,
  StreamGraph,
  StreamInput,
  StreamNode,
} from '../../../runtime/graph/stream-graph.ts'

/** Builds stream graphs by hand; nothing in them can run. */
export class GraphFixture implements StreamGraph {
  readonly nodes: StreamNode[] = []
  readonly exchanges: KeyExchange[] = []

  source(uid: string, changes: Partial<SourceNode> = {}): StreamInput {
    const source = { kind: 'collection', boundedness: 'bounded' } as SourceNode['source']
    const node = { type: 'source', source, watermarks: undefined } as const
    return this.#add({ ...node, ...this.#base('collection', uid), ...changes })
  }

  operator(
    uid: string | undefined,
    from: readonly StreamInput[] | KeyExchange,
    changes: Partial<OperatorNode> = {},
  ): StreamInput {
    const node = {
      type: 'operator',
      factory: () => ({ processElement() {} }),
      states: [],
      hasTimers: false,
    } as const
    return this.#add({ ...node, ...inputs(from), ...this.#base('map', uid), ...changes })
  }

  sink(
    uid: string,
    from: readonly StreamInput[] | KeyExchange,
    changes: Partial<SinkNode> = {},
  ): void {
    const sink = { kind: 'print', guarantee: 'at-least-once' } as SinkNode['sink']
    this.#add({ type: 'sink', sink, ...inputs(from), ...this.#base('print', uid), ...changes })
  }

  keyBy(...from: readonly StreamInput[]): KeyExchange {
    const exchange = { id: this.exchanges.length, selector: () => 'key', inputs: from }
    this.exchanges.push(exchange)
    return exchange
  }

  #base(operatorKind: string, uid: string | undefined) {
    const id = this.nodes.length
    return { id, operatorKind, uid, name: uid ?? `${operatorKind}#${id}`, parallelism: undefined }
  }

  #add(node: StreamNode): StreamInput {
    this.nodes.push(node)
    return { nodeId: node.id, tag: undefined }
  }
}

function inputs(from: readonly StreamInput[] | KeyExchange) {
  return 'selector' in from ? { inputs: [], exchange: from } : { inputs: from, exchange: undefined }
}

/** A side output of what was added. */
export function side(input: StreamInput, tag: string): StreamInput {
  return { nodeId: input.nodeId, tag }
}

interface RandomNode {
  readonly kind: 'source' | 'operator' | 'keyed' | 'sink' | 'keyed-sink' | 'new-exchange'
  readonly picks: readonly number[]
  readonly tags: readonly boolean[]
  readonly parallelism: number | undefined
}

const randomNode: fc.Arbitrary<RandomNode> = fc.record({
  kind: fc.constantFrom('source', 'operator', 'keyed', 'sink', 'keyed-sink', 'new-exchange'),
  picks: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 4 }),
  tags: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  parallelism: fc.constantFrom(undefined, undefined, 1, 2, 3),
})

/** Graphs with unions, side outputs, shared exchanges and mixed parallelism. */
export const randomGraphs: fc.Arbitrary<StreamGraph> = fc
  .array(randomNode, { maxLength: 25 })
  .map((nodes) => {
    const graph = new GraphFixture()
    graph.source('first')
    for (const [i, { kind, picks, tags, parallelism }] of nodes.entries()) {
      const readable = graph.nodes.filter((node) => node.type !== 'sink')
      const read = picks.map((pick, j): StreamInput => {
        const nodeId = readable[pick % readable.length]!.id
        return { nodeId, tag: tags[j] === true ? 'side' : undefined }
      })
      const exchange = graph.exchanges[picks[0]! % Math.max(1, graph.exchanges.length)]
      const changes = { parallelism }
      if (kind === 'source') graph.source(`source-${i}`, changes)
      else if (kind === 'new-exchange') graph.keyBy(...read)
      else if (kind === 'operator') graph.operator(`operator-${i}`, read, changes)
      else if (kind === 'sink') graph.sink(`sink-${i}`, read, changes)
      else if (exchange === undefined) continue
      else if (kind === 'keyed') graph.operator(`keyed-${i}`, exchange, changes)
      else graph.sink(`keyed-sink-${i}`, exchange, changes)
    }
    return graph
  })

/** What a node reads, whether by itself or through an exchange. */
export function inputsOf(node: StreamNode): readonly StreamInput[] {
  if (node.type === 'source') return []
  return node.exchange?.inputs ?? node.inputs
}

export { parallelismOf }
