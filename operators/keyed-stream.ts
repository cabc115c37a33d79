import type { KeyExchange, StreamInput } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import type { Sink } from '../runtime/sink.ts'
import {
  type ComparableField,
  EXTREME,
  type ExtremeOptions,
  type SummableField,
} from './aggregate/field-aggregate.ts'
import { rollingSpec } from './aggregate/rolling.ts'
import { isBroadcast } from './broadcast/broadcast-inputs.ts'
import { checkStateful } from './check-options.ts'
import { DEDUPLICATE, type DeduplicateChoice, deduplicateSpec } from './deduplicate.ts'
import type { NodeInputs, NodeOptions } from './graph-builder.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { TOP_N, type TopNRanking, topNSpec } from './top-n.ts'
import { checkMade, checkSink } from './function.ts'
import type { ProcessFunction } from './process.ts'
import { type ReduceFunction, reduceSpec } from './reduce.ts'
import { GraphKeyedConnectedStreams } from './connected-streams.ts'
import { StreamError } from '../runtime/errors.ts'
import { GraphIntervalJoin } from './interval-join-stream.ts'
import type {
  BroadcastStream,
  DataStream,
  IntervalJoin,
  KeyedStream,
  StatefulOptions,
  WindowedStream,
} from './streams.ts'
import { checkAssigner, GraphWindowedStream, type KeyedPlace } from './windowed-stream.ts'
import { countWindowSettings } from './window/count-windows.ts'
import type { GlobalWindow, Window } from './window/time-window.ts'
import type { WindowAssigner } from './window/window-assigner.ts'

/** Where a keyed stream adds nodes, and what other streams read. */
export interface KeyedStreamPlace extends KeyedPlace {
  /** What a stream without keys reads; fails with `MR_GRAPH_INVALID` if it is none of this job. */
  readonly inputsOf: (other: DataStream<unknown>) => readonly StreamInput[]
}

/** The facade after `keyBy`: all that is added here reads one key exchange. */
export class GraphKeyedStream<T, K extends Key> implements KeyedStream<T, K> {
  readonly #place: KeyedStreamPlace

  constructor(place: KeyedStreamPlace) {
    this.#place = place
  }

  process<R>(process: ProcessFunction<T, R, K>, options: StatefulOptions): DataStream<R> {
    const isOfOne = process?.spec?.operatorKind === 'process'
    checkMade(process, isOfOne ? process.spec : undefined, {
      what: 'process of a keyed stream',
      makers: 'processFunction(…)',
    })
    const { builder, exchange, streamOf } = this.#place
    return streamOf(builder.addOperator(process.spec, exchange, checkStateful(options, 'process')))
  }

  connect<U>(other: KeyedStream<U, K> | BroadcastStream<U>): GraphKeyedConnectedStreams<T, U, K> {
    const { builder, exchange, streamOf } = this.#place
    const second = this.#secondOf(other)
    return new GraphKeyedConnectedStreams({ builder, first: exchange, second, streamOf })
  }

  intervalJoin<U>(other: KeyedStream<U, K>): IntervalJoin<T, U, K> {
    const { builder, exchange, streamOf } = this.#place
    const second = this.#exchangeOf(other)
    if (second === undefined) throw notKeyed('intervalJoin', '')
    return new GraphIntervalJoin({ builder, first: exchange, second, streamOf })
  }

  #secondOf<U>(other: KeyedStream<U, K> | BroadcastStream<U>): NodeInputs {
    const exchange = this.#exchangeOf(other)
    if (exchange !== undefined) return exchange
    if ((other as object | undefined) instanceof Object && 'isBroadcast' in other) {
      const inputs = this.#place.inputsOf(other)
      if (isBroadcast(inputs)) return inputs
    }
    throw notKeyed('connect', ' or broadcast()')
  }

  /** What a keyed stream of the same job reads. */
  #exchangeOf(other: object): KeyExchange | undefined {
    if (!((other as object | undefined) instanceof Object && #place in other)) return undefined
    const { builder, exchange } = (other as GraphKeyedStream<unknown, K>).#place
    return builder === this.#place.builder ? exchange : undefined
  }

  reduce(reduce: ReduceFunction<T>, options: StatefulOptions): DataStream<T> {
    const { builder, exchange, streamOf } = this.#place
    const spec = reduceSpec(reduce)
    return streamOf(builder.addOperator(spec, exchange, checkStateful(options, 'reduce')))
  }

  sum(field: SummableField<T>, options: StatefulOptions): DataStream<T> {
    return this.#add(rollingSpec('sum', field), checkStateful(options, 'sum'))
  }

  min(field: ComparableField<T>, options: StatefulOptions): DataStream<T> {
    return this.#add(rollingSpec('min', field), checkStateful(options, 'min'))
  }

  max(field: ComparableField<T>, options: StatefulOptions): DataStream<T> {
    return this.#add(rollingSpec('max', field), checkStateful(options, 'max'))
  }

  minBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T> {
    const checked = checkStateful(options, 'minBy', { names: EXTREME })
    return this.#add(rollingSpec('minBy', field, options), checked)
  }

  maxBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T> {
    const checked = checkStateful(options, 'maxBy', { names: EXTREME })
    return this.#add(rollingSpec('maxBy', field, options), checked)
  }

  deduplicate(options: StatefulOptions & DeduplicateChoice): DataStream<T> {
    const checked = checkStateful(options, 'deduplicate', { names: DEDUPLICATE })
    return this.#add(deduplicateSpec(options), checked)
  }

  topN(n: number, options: StatefulOptions & TopNRanking<T>): DataStream<readonly T[]> {
    const checked = checkStateful(options, 'topN', { names: TOP_N })
    return this.#add(topNSpec(n, options), checked)
  }

  window<W extends Window, M extends boolean>(
    assigner: WindowAssigner<T, W, M>,
  ): WindowedStream<T, K, W, M> {
    return new GraphWindowedStream(this.#place, { assigner: checkAssigner(assigner) })
  }

  countWindow(size: number, slide?: number): WindowedStream<T, K, GlobalWindow, false> {
    return new GraphWindowedStream(this.#place, countWindowSettings(size, slide))
  }

  sinkTo(sink: Sink<T>, options: StatefulOptions): void {
    const { builder, exchange } = this.#place
    builder.addSink(checkSink(sink), exchange, checkStateful(options, 'sinkTo'))
  }

  #add<R>(spec: OperatorSpec, options: NodeOptions): DataStream<R> {
    const { builder, exchange, streamOf } = this.#place
    return streamOf(builder.addOperator(spec, exchange, options))
  }
}

function notKeyed(method: string, orBroadcast: string): StreamError {
  return new StreamError(
    'MR_GRAPH_INVALID',
    `${method} of a keyed stream was given something that is no keyed stream of this job; records of both inputs could not meet by key; pass a stream of the same env behind its keyBy${orBroadcast}.`,
  )
}
