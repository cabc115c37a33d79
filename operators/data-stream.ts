import { StreamError } from '../runtime/errors.ts'
import type { Partitioning, StreamInput } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import { checkOutputTag, type OutputTag } from '../runtime/operator.ts'
import type { Sink } from '../runtime/sink.ts'
import type { WatermarkStrategy } from '../runtime/watermark-strategy.ts'
import type { AsyncFunction, AsyncMapFunction } from './async/async-function.ts'
import { mapInvocation, waitInvocation } from './async/async-invocation.ts'
import {
  ASYNC,
  ASYNC_MAP,
  type AsyncMapOptions,
  type AsyncOptions,
  asyncSettings,
} from './async/async-options.ts'
import { asyncSpec } from './async/async-wait.ts'
import { isBroadcast } from './broadcast/broadcast-inputs.ts'
import { checkOnError, checkPlain, checkStateful } from './check-options.ts'
import { GraphConnectedStreams } from './connected-streams.ts'
import { type AnyElementFunction, elementSpec } from './element-function.ts'
import { type FilterFunction, filterSpec } from './filter.ts'
import { type FlatMapFunction, flatMapSpec } from './flat-map.ts'
import { checkMethods, checkSink } from './function.ts'
import type { NodeOptions, StreamGraphBuilder } from './graph-builder.ts'
import { GraphKeyedStream } from './keyed-stream.ts'
import { GraphJoinedStreams } from './joined-streams.ts'
import { type MapFunction, mapSpec } from './map.ts'
import type { OperatorSpec } from './operator-spec.ts'
import type {
  BroadcastStream,
  DataStream,
  JoinedStreams,
  KeyedStream,
  OperatorOptions,
  PlainOptions,
  StatefulOptions,
  WindowedStream,
} from './streams.ts'
import { checkNoAlignment, checkStrategy } from './watermark-options.ts'
import { watermarksSpec } from './watermarks-operator.ts'
import type { JoinKind } from './window/join-function.ts'
import type { Window } from './window/time-window.ts'
import type { WindowAssigner } from './window/window-assigner.ts'
import { checkAssigner, GraphWindowedStream, type StreamOf } from './windowed-stream.ts'

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
    return this.#add(mapSpec(map, checkOnError(options, 'map')), options)
  }

  filter<S extends T>(filter: FilterFunction<T>, options: OperatorOptions<T> = {}): DataStream<S> {
    return this.#add(filterSpec(filter, checkOnError(options, 'filter')), options)
  }

  flatMap<R>(flatMap: FlatMapFunction<T, R>, options: OperatorOptions<T> = {}): DataStream<R> {
    return this.#add(flatMapSpec(flatMap, checkOnError(options, 'flatMap')), options)
  }

  process<R>(process: AnyElementFunction<T, R>, options: PlainOptions = {}): DataStream<R> {
    return this.#add(elementSpec(process), checkPlain(options, 'process'))
  }

  orderedWait<R>(
    fn: AsyncFunction<T, R>,
    options: StatefulOptions & AsyncOptions<readonly NoInfer<R>[]>,
  ): DataStream<R> {
    const checked = checkStateful(options, 'orderedWait', { names: ASYNC })
    const settings = { ...asyncSettings(checked, 'orderedWait'), isOrdered: true }
    const invocation = waitInvocation(fn, 'orderedWait')
    return this.#add(asyncSpec('ordered-wait', invocation, settings), checked)
  }

  unorderedWait<R>(
    fn: AsyncFunction<T, R>,
    options: StatefulOptions & AsyncOptions<readonly NoInfer<R>[]>,
  ): DataStream<R> {
    const checked = checkStateful(options, 'unorderedWait', { names: ASYNC })
    const settings = { ...asyncSettings(checked, 'unorderedWait'), isOrdered: false }
    const invocation = waitInvocation(fn, 'unorderedWait')
    return this.#add(asyncSpec('unordered-wait', invocation, settings), checked)
  }

  asyncMap<R>(
    fn: AsyncMapFunction<T, R>,
    options: StatefulOptions & AsyncMapOptions<NoInfer<R>>,
  ): DataStream<R> {
    const names = ASYNC_MAP
    const checked: NodeOptions & AsyncMapOptions<R> = checkStateful(options, 'asyncMap', { names })
    const settings = { ...asyncSettings(checked, 'asyncMap'), isOrdered: checked.ordered ?? true }
    return this.#add(asyncSpec('async-map', mapInvocation(fn), settings), checked)
  }

  keyBy<const K extends Key>(selector: (value: T) => K): KeyedStream<T, K> {
    checkMethods({ selector }, ['selector'], 'keyBy')
    const builder = this.#builder
    const exchange = builder.addExchange(selector, this.#inputs)
    return new GraphKeyedStream({
      builder,
      exchange,
      streamOf: (output) => this.#of([output]),
      inputsOf: (other) => this.#inputsOf(other, 'connect'),
    })
  }

  windowAll<W extends Window, M extends boolean>(
    assigner: WindowAssigner<T, W, M>,
  ): WindowedStream<T, number, W, M> {
    const builder = this.#builder
    const exchange = builder.addExchange(() => 0, this.#inputs)
    const streamOf: StreamOf = (output) => this.#of([output])
    const place = { builder, exchange, streamOf, parallelism: 1 }
    return new GraphWindowedStream(place, { assigner: checkAssigner(assigner) })
  }

  union<U = T>(...others: readonly DataStream<U>[]): DataStream<T | U> {
    return this.#of([...this.#inputs, ...others.flatMap((other) => this.#inputsOf(other, 'union'))])
  }

  join<U>(other: DataStream<U>): JoinedStreams<T, U, 'join'> {
    return this.#joined(other, 'join')
  }

  leftOuterJoin<U>(other: DataStream<U>): JoinedStreams<T, U, 'leftOuterJoin'> {
    return this.#joined(other, 'leftOuterJoin')
  }

  coGroup<U>(other: DataStream<U>): JoinedStreams<T, U, 'coGroup'> {
    return this.#joined(other, 'coGroup')
  }

  #joined<U, Kind extends JoinKind>(other: DataStream<U>, kind: Kind): JoinedStreams<T, U, Kind> {
    return new GraphJoinedStreams(kind, {
      builder: this.#builder,
      left: this.#inputs,
      right: this.#inputsOf(other, kind),
      streamOf: (output) => this.#of([output]),
    })
  }

  connect<U>(other: DataStream<U>): GraphConnectedStreams<T, U> {
    return new GraphConnectedStreams({
      builder: this.#builder,
      first: this.#inputs,
      second: this.#inputsOf(other, 'connect'),
      streamOf: (output) => this.#of([output]),
    })
  }

  forward(): DataStream<T> {
    return this.#partitioned({ kind: 'forward' })
  }

  rebalance(): DataStream<T> {
    return this.#partitioned({ kind: 'rebalance' })
  }

  rescale(): DataStream<T> {
    return this.#partitioned({ kind: 'rescale' })
  }

  shuffle(): DataStream<T> {
    return this.#partitioned({ kind: 'shuffle' })
  }

  global(): DataStream<T> {
    return this.#partitioned({ kind: 'global' })
  }

  broadcast(): BroadcastStream<T> {
    return this.#partitioned({ kind: 'broadcast' }) as BroadcastStream<T>
  }

  /** Whether all its records go to every subtask. */
  get isBroadcast(): boolean {
    return isBroadcast(this.#inputs)
  }

  partitionCustom(partition: (value: T, partitions: number) => number): DataStream<T> {
    checkMethods({ partition }, ['partition'], 'partitionCustom')
    return this.#partitioned({ kind: 'custom', partition })
  }

  #partitioned(partitioning: Partitioning): GraphDataStream<T> {
    return this.#of(this.#inputs.map((input) => ({ ...input, partitioning })))
  }

  getSideOutput<U>(tag: OutputTag<U>): DataStream<U> {
    checkOutputTag(tag, 'getSideOutput()')
    const [input] = this.#inputs
    const isOperator = input?.tag === undefined && input?.partitioning === undefined
    if (this.#inputs.length !== 1 || !isOperator) throw noSideOutput(tag)
    return this.#of([{ nodeId: input!.nodeId, tag: tag.name }])
  }

  assignTimestampsAndWatermarks(
    strategy: WatermarkStrategy<T>,
    options: StatefulOptions,
  ): DataStream<T> {
    const where = `assignTimestampsAndWatermarks("${String((options as StatefulOptions | undefined)?.uid)}")`
    checkStrategy(strategy, where)
    checkNoAlignment(
      strategy,
      where,
      'only sources can be held back, and this is behind them; give the strategy to fromSource',
    )
    return this.#add(
      watermarksSpec(strategy),
      checkStateful(options, 'assignTimestampsAndWatermarks'),
    )
  }

  sinkTo(sink: Sink<T>, options: StatefulOptions): void {
    this.#builder.addSink(checkSink(sink), this.#inputs, checkStateful(options, 'sinkTo'))
  }

  #add<R>(spec: OperatorSpec, options: NodeOptions): DataStream<R> {
    return this.#of([this.#builder.addOperator(spec, this.#inputs, options)])
  }

  #of<R>(inputs: readonly StreamInput[]): GraphDataStream<R> {
    return new GraphDataStream(this.#builder, inputs)
  }

  #inputsOf(other: DataStream<unknown>, method: string): readonly StreamInput[] {
    const given: unknown = other
    const isStream = typeof given === 'object' && given !== null && #inputs in given
    if (isStream && given.#builder === this.#builder) return given.#inputs
    throw new StreamError(
      'MR_GRAPH_INVALID',
      `${method} was given something that is no stream of this job; only streams of one environment can be joined; pass streams that come from the same env, before their keyBy.`,
    )
  }
}

function noSideOutput(tag: OutputTag<unknown>): StreamError {
  return new StreamError(
    'MR_GRAPH_INVALID',
    `getSideOutput("${tag.name}") was called on a union, a side output or behind a partitioning; none of them is an operator that could have outputs; call it on the stream that the operator returned.`,
    { tag: tag.name },
  )
}
