import { MIN_TIMESTAMP } from '../runtime/element.ts'
import { invariant } from '../runtime/errors.ts'
import type { OperatorNode, StreamGraph, StreamNode } from '../runtime/graph/stream-graph.ts'
import type { OperatorContext, Output, OutputTag } from '../runtime/operator.ts'
import type { Sink, SinkContext } from '../runtime/sink.ts'

/** A record with its timestamp, as the test kit shows it; -Infinity is no timestamp. */
export interface StreamRecord<T> {
  readonly value: T
  readonly timestamp: number
}

/** What comes out of operators under test: a record, or a watermark. */
export type OutputElement<T> = StreamRecord<T> | { readonly watermark: number }

/**
 * Where a stream under test ends: keeps what comes out, in order, and takes no more records than its capacity until it is
 * released. Watermarks are seen by an operator in front of its sink, side outputs and counters where they are made.
 */
export class HandOutput {
  readonly elements: OutputElement<unknown>[] = []
  /** The last watermark that came out. */
  watermark: number = MIN_TIMESTAMP
  readonly #side: Map<string, StreamRecord<unknown>[]> = new Map()
  readonly #counters: Map<string, number> = new Map()
  readonly #capacity: number
  #taken = 0
  #wake: () => void = () => {}

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isFull(): boolean {
    return this.#taken >= this.#capacity
  }

  /** There is room again. */
  release(): void {
    this.#taken = 0
    this.#wake()
  }

  sideOutput(tag: OutputTag<unknown>): readonly StreamRecord<unknown>[] {
    return this.#side.get(tag.name) ?? []
  }

  counter(name: string): number {
    return this.#counters.get(name) ?? 0
  }

  get sink(): Sink<unknown> {
    return {
      kind: 'hand',
      guarantee: 'at-least-once',
      createWriter: (context) => this.#writer(context),
    }
  }

  #writer(context: SinkContext): ReturnType<Sink<unknown>['createWriter']> {
    this.#wake = () => context.wake()
    const isReady = (): boolean => !this.isFull
    return {
      get isReady() {
        return isReady()
      },
      write: (value, timestamp) => {
        this.#taken++
        this.elements.push({ value, timestamp })
      },
      prepareCommit: () => Promise.resolve([]),
    }
  }

  /** The graph with all that is seen of it; its last node is the sink of this output. */
  watch(graph: StreamGraph): StreamGraph {
    const nodes = graph.nodes.slice(0, -1).map((node) => this.#observed(node))
    return { ...graph, nodes: [...nodes, ...this.#tapped(graph.nodes.at(-1)!)] }
  }

  /** The sink, with an operator before it that sees the watermarks. */
  #tapped(sink: StreamNode): StreamNode[] {
    invariant(sink.type === 'sink', 'the harness adds its sink last')
    const id = sink.id + 1
    const uid = `${sink.name}.time`
    const tap: OperatorNode = {
      ...sink,
      type: 'operator',
      operatorKind: 'hand-time',
      uid,
      name: uid,
      states: [],
      hasTimers: false,
      factory: (context) => {
        this.watermark = context.currentWatermark()
        return {
          processElement: (value, timestamp) => context.output.emit(value, timestamp),
          processWatermark: (watermark) => {
            this.watermark = watermark
            this.elements.push({ watermark })
            return watermark
          },
        }
      },
    }
    return [
      tap,
      { ...sink, id, inputs: [{ nodeId: sink.id, tag: undefined }], exchange: undefined },
    ]
  }

  #observed(node: StreamNode): StreamNode {
    if (node.type !== 'operator') return node
    return { ...node, factory: (context) => node.factory(this.#observedContext(context)) }
  }

  /** Side outputs are seen here, whether or not the stream under test reads them. */
  #observedContext(context: OperatorContext): OperatorContext {
    const outputs = new Map<string, Output>()
    return {
      ...context,
      sideOutput: (tag) => {
        const output = outputs.get(tag.name) ?? this.#observedOutput(tag, context.sideOutput(tag))
        outputs.set(tag.name, output)
        return output
      },
      count: (counter, by = 1) => {
        this.#counters.set(counter, this.counter(counter) + by)
        context.count(counter, by)
      },
    }
  }

  #observedOutput(tag: OutputTag<unknown>, output: Output): Output {
    return {
      emit: (value, timestamp) => {
        const records = this.#side.get(tag.name) ?? []
        this.#side.set(tag.name, records)
        records.push({ value, timestamp })
        output.emit(value, timestamp)
      },
    }
  }
}
