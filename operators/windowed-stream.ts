import type { KeyExchange, StreamInput } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import { checkStateful } from './check-options.ts'
import type { StreamGraphBuilder } from './graph-builder.ts'
import type { DataStream, StatefulOptions, WindowedStream } from './streams.ts'
import {
  type AggregateFunction,
  windowAggregateSpec,
  type WindowFunction,
} from './window-aggregate.ts'
import type { WindowAssigner } from './windows.ts'

/** Makes the stream that comes out of a node. */
export type StreamOf = <R>(output: StreamInput) => DataStream<R>

/** Where the streams behind a `keyBy` add their nodes. */
export interface KeyedPlace {
  readonly builder: StreamGraphBuilder
  readonly exchange: KeyExchange
  readonly streamOf: StreamOf
}

/** The facade after `window`. */
export class GraphWindowedStream<T, K extends Key> implements WindowedStream<T, K> {
  readonly #place: KeyedPlace
  readonly #assigner: WindowAssigner

  constructor(place: KeyedPlace, assigner: WindowAssigner) {
    this.#place = place
    this.#assigner = assigner
  }

  aggregate<Acc, A, R>(
    aggregate: AggregateFunction<T, Acc, A>,
    windowFunctionOrOptions: WindowFunction<A, R, K> | StatefulOptions,
    optionsBehind?: StatefulOptions,
  ): DataStream<R> {
    const hasFunction = typeof windowFunctionOrOptions === 'function'
    const options = checkStateful(
      hasFunction ? optionsBehind : windowFunctionOrOptions,
      'aggregate',
    )
    const windowFunction = hasFunction ? windowFunctionOrOptions : undefined
    const spec = windowAggregateSpec(this.#assigner, aggregate, windowFunction)
    const { builder, exchange, streamOf } = this.#place
    return streamOf(builder.addOperator(spec, exchange, options))
  }
}
