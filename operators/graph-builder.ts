import { StreamError } from '../runtime/errors.ts'
import type {
  KeyExchange,
  NodeReading,
  SourceNode,
  StreamGraph,
  StreamInput,
  StreamNode,
} from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import type { Sink } from '../runtime/sink.ts'
import type { Source } from '../runtime/source.ts'
import type { OperatorSpec } from './operator-spec.ts'

/** What every node may be given. */
export interface NodeOptions {
  readonly uid?: string | undefined
  readonly parallelism?: number | undefined
  readonly startNewChain?: boolean | undefined
  readonly disableChaining?: boolean | undefined
}

/** What an operator reads: plain inputs (several are a union), or one key exchange. */
export type NodeInputs = readonly StreamInput[] | KeyExchange

/** Collects the nodes of a graph while the function of a job runs; nothing is executed or checked here. */
export class StreamGraphBuilder {
  readonly #nodes: StreamNode[] = []
  readonly #exchanges: KeyExchange[] = []
  readonly #kinds: Map<string, number> = new Map()
  #isFinished = false

  addSource(
    source: Source<unknown>,
    how: Pick<SourceNode, 'watermarks' | 'readFirst'>,
    options: NodeOptions,
  ): StreamInput {
    return this.#add({ type: 'source', source, ...how, ...this.#base(source.kind, options) })
  }

  /** `second` is what the second input reads, of an operator that has two. */
  addOperator(
    spec: OperatorSpec,
    from: NodeInputs,
    options: NodeOptions,
    second?: NodeInputs,
  ): StreamInput {
    const { operatorKind, factory, states = [], hasTimers = false } = spec
    const { broadcastStates = [], operatorStates = [] } = spec
    const declared = broadcastStates.length + operatorStates.length
    const { hasOperatorState = declared > 0 } = spec
    return this.#add({
      type: 'operator',
      factory,
      states,
      hasTimers,
      hasOperatorState,
      ...(spec.stateSpread === undefined ? {} : { stateSpread: spec.stateSpread }),
      ...(broadcastStates.length === 0 ? {} : { broadcastStates }),
      ...(operatorStates.length === 0 ? {} : { operatorStates }),
      ...inputsOf(from),
      ...(second === undefined ? {} : { second: inputsOf(second) }),
      ...this.#base(operatorKind, options),
    })
  }

  addSink(sink: Sink<unknown>, from: NodeInputs, options: NodeOptions): void {
    this.#add({ type: 'sink', sink, ...inputsOf(from), ...this.#base(sink.kind, options) })
  }

  addExchange(selector: (value: never) => Key, inputs: readonly StreamInput[]): KeyExchange {
    this.#checkOpen()
    const exchange: KeyExchange = { id: this.#exchanges.length, selector, inputs }
    this.#exchanges.push(exchange)
    return exchange
  }

  /** The graph; after this nothing can be added. */
  finish(): StreamGraph {
    this.#isFinished = true
    return { nodes: this.#nodes, exchanges: this.#exchanges }
  }

  #base(operatorKind: string, options: NodeOptions) {
    const { uid, parallelism, startNewChain = false, disableChaining = false } = options
    const chaining: 'head' | 'alone' | undefined = disableChaining
      ? 'alone'
      : startNewChain
        ? 'head'
        : undefined
    const number = (this.#kinds.get(operatorKind) ?? 0) + 1
    this.#kinds.set(operatorKind, number)
    // "#" is in no uid, so these names never meet one.
    const name = uid ?? `${operatorKind}#${number}`
    const base = { id: this.#nodes.length, operatorKind, uid, name, parallelism }
    return chaining === undefined ? base : { ...base, chaining }
  }

  #add(node: StreamNode): StreamInput {
    this.#checkOpen()
    this.#nodes.push(node)
    return { nodeId: node.id, tag: undefined }
  }

  #checkOpen(): void {
    if (!this.#isFinished) return
    throw new StreamError(
      'MR_GRAPH_INVALID',
      'A stream was extended after the function of the job had returned; the graph is already running; build all of it within the function, synchronously.',
    )
  }
}

function inputsOf(from: NodeInputs): NodeReading {
  return 'selector' in from ? { inputs: [], exchange: from } : { inputs: from, exchange: undefined }
}
