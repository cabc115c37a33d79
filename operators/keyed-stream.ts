import type { Key } from '../runtime/key.ts'
import { checkStateful } from './check-options.ts'
import { checkMethods } from './function.ts'
import type { ProcessFunction } from './process.ts'
import { type ReduceFunction, reduceSpec } from './reduce.ts'
import type { DataStream, KeyedStream, StatefulOptions, WindowedStream } from './streams.ts'
import { GraphWindowedStream, type KeyedPlace } from './windowed-stream.ts'
import type { WindowAssigner } from './windows.ts'

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

  reduce(reduce: ReduceFunction<T>, options: StatefulOptions): DataStream<T> {
    const { builder, exchange, streamOf } = this.#place
    const spec = reduceSpec(reduce)
    return streamOf(builder.addOperator(spec, exchange, checkStateful(options, 'reduce')))
  }

  window(assigner: WindowAssigner): WindowedStream<T, K> {
    return new GraphWindowedStream(this.#place, assigner)
  }
}
