import type { Source } from '../runtime/source.ts'
import type { WatermarkStrategy } from '../runtime/watermark-strategy.ts'
import { checkStateful } from './check-options.ts'
import { GraphDataStream } from './data-stream.ts'
import type { StreamGraphBuilder } from './graph-builder.ts'
import type { DataStream, StatefulOptions } from './streams.ts'

/** Options of `fromSource`. */
export interface SourceOptions<T> extends StatefulOptions {
  /** Event time of the records, per split; without it records keep the timestamps of the source, and no time passes. */
  readonly watermarks?: WatermarkStrategy<T>
}

/** What the function of a job gets: the way to sources. It never executes anything. */
export interface StreamEnvironment {
  /**
   * A stream of what a source reads.
   *
   * @example
   * env.fromSource(fileSource({ path: 'orders.csv', format: csv() }), { uid: 'orders' })
   */
  fromSource<T>(source: Source<T>, options: SourceOptions<T>): DataStream<T>
}

/** The environment over a graph builder. */
export class GraphEnvironment implements StreamEnvironment {
  readonly #builder: StreamGraphBuilder

  constructor(builder: StreamGraphBuilder) {
    this.#builder = builder
  }

  fromSource<T>(source: Source<T>, options: SourceOptions<T>): DataStream<T> {
    const watermarks = (options as SourceOptions<T> | undefined)?.watermarks
    const checked = checkStateful(options, 'fromSource')
    const strategy = watermarks as WatermarkStrategy<unknown> | undefined
    return new GraphDataStream(this.#builder, [this.#builder.addSource(source, strategy, checked)])
  }
}
