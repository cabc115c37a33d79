import { StreamError } from '../runtime/errors.ts'
import type { StreamInput, WatermarkStrategy } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import type { OutputTag } from '../runtime/operator.ts'
import type { Sink } from '../runtime/sink.ts'
import { checkOnError, checkStateful } from './check-options.ts'
import { type FilterFunction, filterSpec } from './filter.ts'
import { type FlatMapFunction, flatMapSpec } from './flat-map.ts'
import { checkMethods } from './function.ts'
import type { NodeOptions, StreamGraphBuilder } from './graph-builder.ts'
import { GraphKeyedStream } from './keyed-stream.ts'
import { type MapFunction, mapSpec } from './map.ts'
import type { OperatorSpec } from './operator-spec.ts'
import type { DataStream, KeyedStream, OperatorOptions, StatefulOptions } from './streams.ts'
import { watermarksSpec } from './watermarks.ts'

/** The facade over a graph builder: what it reads, and where it adds. */
export class GraphDataStream<T> implements DataStream<T> {
  readonly #builder: StreamGraphBuilder
  /** Several are a union. */
  readonly #inputs: readonly StreamInput[]

  constructor(builder: StreamGraphBuilder, inputs: readonly StreamInput[]) {
    this.#builder = builder
    this.#inputs = inputs
  }

  map<R>(map: MapFunction<T, R>, options: OperatorOptions<T> = {}): DataStream<R> {
    return this.#add(mapSpec(map, checkOnError(options.onError, 'map')), options)
  }

  filter<S extends T>(filter: FilterFunction<T>, options: OperatorOptions<T> = {}): DataStream<S> {
    return this.#add(filterSpec(filter, checkOnError(options.onError, 'filter')), options)
  }

  flatMap<R>(flatMap: FlatMapFunction<T, R>, options: OperatorOptions<T> = {}): DataStream<R> {
    return this.#add(flatMapSpec(flatMap, checkOnError(options.onError, 'flatMap')), options)
  }

  keyBy<const K extends Key>(selector: (value: T) => K): KeyedStream<T, K> {
    checkMethods({ selector }, ['selector'], 'keyBy')
    const builder = this.#builder
    const exchange = builder.addExchange(selector, this.#inputs)
    return new GraphKeyedStream({ builder, exchange, streamOf: (output) => this.#of([output]) })
  }

  union<U = T>(...others: readonly DataStream<U>[]): DataStream<T | U> {
    return this.#of([...this.#inputs, ...others.flatMap((other) => this.#inputsOf(other))])
  }

  getSideOutput<U>(tag: OutputTag<U>): DataStream<U> {
    const [input] = this.#inputs
    if (this.#inputs.length !== 1 || input?.tag !== undefined) throw noSideOutput(tag)
    return this.#of([{ nodeId: input!.nodeId, tag: tag.name }])
  }

  assignTimestampsAndWatermarks(
    strategy: WatermarkStrategy<T>,
    options: StatefulOptions,
  ): DataStream<T> {
    return this.#add(
      watermarksSpec(strategy),
      checkStateful(options, 'assignTimestampsAndWatermarks'),
    )
  }

  sinkTo(sink: Sink<T>, options: StatefulOptions): void {
    const checked = checkStateful(options, 'sinkTo')
    this.#builder.addSink(sink as Sink<unknown>, this.#inputs, checked)
  }

  #add<R>(spec: OperatorSpec, options: NodeOptions): DataStream<R> {
    return this.#of([this.#builder.addOperator(spec, this.#inputs, options)])
  }

  #of<R>(inputs: readonly StreamInput[]): DataStream<R> {
    return new GraphDataStream(this.#builder, inputs)
  }

  #inputsOf(other: DataStream<unknown>): readonly StreamInput[] {
    if (#inputs in other && (other as GraphDataStream<unknown>).#builder === this.#builder) {
      return (other as GraphDataStream<unknown>).#inputs
    }
    throw new StreamError(
      'MR_GRAPH_INVALID',
      'union was given something that is no stream of this job; only streams of one environment can be joined; pass streams that come from the same env, before their keyBy.',
    )
  }
}

function noSideOutput(tag: OutputTag<unknown>): StreamError {
  return new StreamError(
    'MR_GRAPH_INVALID',
    `getSideOutput("${tag.name}") was called on a union or on a side output; neither is an operator that could have outputs; call it on the stream that the operator returned.`,
    { tag: tag.name },
  )
}
