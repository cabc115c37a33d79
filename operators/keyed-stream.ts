import type { KeyExchange } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import { checkStateful } from './check-options.ts'
import { checkMethods } from './function.ts'
import type { ProcessFunction } from './process.ts'
import { type ReduceFunction, reduceSpec } from './reduce.ts'
import { GraphKeyedConnectedStreams } from './connected-streams.ts'
import { StreamError } from '../runtime/errors.ts'
import { GraphIntervalJoin } from './interval-join-stream.ts'
import type {
  DataStream,
  IntervalJoin,
  KeyedConnectedStreams,
  KeyedStream,
  StatefulOptions,
  WindowedStream,
} from './streams.ts'
import { checkAssigner, GraphWindowedStream, type KeyedPlace } from './windowed-stream.ts'
import { countWindowSettings } from './window/count-windows.ts'
import type { GlobalWindow, Window } from './window/time-window.ts'
import type { WindowAssigner } from './window/window-assigner.ts'

/** The facade after `keyBy`: all that is added here reads one key exchange. */
export class GraphKeyedStream<T, K extends Key> implements KeyedStream<T, K> {
  readonly #place: KeyedPlace

  constructor(place: KeyedPlace) {
    this.#place = place
  }

  process<R>(process: ProcessFunction<T, R, K>, options: StatefulOptions): DataStream<R> {
    checkMethods(process?.spec, ['factory'], 'process')
    const { builder, exchange, streamOf } = this.#place
    return streamOf(builder.addOperator(process.spec, exchange, checkStateful(options, 'process')))
  }

  connect<U>(other: KeyedStream<U, K>): KeyedConnectedStreams<T, U, K> {
    const { builder, exchange, streamOf } = this.#place
    const second = this.#exchangeOf(other, 'connect')
    return new GraphKeyedConnectedStreams({ builder, first: exchange, second, streamOf })
  }

  intervalJoin<U>(other: KeyedStream<U, K>): IntervalJoin<T, U, K> {
    const { builder, exchange, streamOf } = this.#place
    const second = this.#exchangeOf(other, 'intervalJoin')
    return new GraphIntervalJoin({ builder, first: exchange, second, streamOf })
  }

  #exchangeOf<U>(other: KeyedStream<U, K>, method: string): KeyExchange {
    if (#place in other) {
      const { builder, exchange } = (other as GraphKeyedStream<U, K>).#place
      if (builder === this.#place.builder) return exchange
    }
    throw new StreamError(
      'MR_GRAPH_INVALID',
      `${method} of a keyed stream was given something that is no keyed stream of this job; records of both inputs could not meet by key; pass a stream of the same env behind its keyBy.`,
    )
  }

  reduce(reduce: ReduceFunction<T>, options: StatefulOptions): DataStream<T> {
    const { builder, exchange, streamOf } = this.#place
    const spec = reduceSpec(reduce)
    return streamOf(builder.addOperator(spec, exchange, checkStateful(options, 'reduce')))
  }

  window<W extends Window, M extends boolean>(
    assigner: WindowAssigner<T, W, M>,
  ): WindowedStream<T, K, W, M> {
    return new GraphWindowedStream(this.#place, { assigner: checkAssigner(assigner) })
  }

  countWindow(size: number, slide?: number): WindowedStream<T, K, GlobalWindow, false> {
    return new GraphWindowedStream(this.#place, countWindowSettings(size, slide))
  }
}
