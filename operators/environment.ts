import { givenText, StreamError } from '../runtime/errors.ts'
import type { OptionNames } from '../runtime/option-names.ts'
import type { Source } from '../runtime/source.ts'
import type { WatermarkStrategy } from '../runtime/watermark-strategy.ts'
import { checkStateful } from './check-options.ts'
import { GraphDataStream } from './data-stream.ts'
import { checkMade } from './function.ts'
import type { StreamGraphBuilder } from './graph-builder.ts'
import type { DataStream, StatefulOptions } from './streams.ts'
import { checkStrategy } from './watermark-options.ts'

/** Options of `fromSource`. */
export interface SourceOptions<T> extends StatefulOptions {
  /** Event time of the records, per split; without it records keep the timestamps of the source, and no time passes. */
  readonly watermarks?: WatermarkStrategy<T>
  /**
   * Whether this source is read to its end, and all that comes of it is processed, before sources without it are read at
   * all: what a join or a set of rules needs from the start. For bounded sources only; where all have it, none waits.
   * Default false.
   */
  readonly readFirst?: boolean
}

const SOURCE: OptionNames<Omit<SourceOptions<unknown>, keyof StatefulOptions>> = {
  watermarks: true,
  readFirst: true,
}

/** What the function of a job gets: the way to sources. It never executes anything. */
export interface StreamEnvironment {
  /**
   * A stream of what a source reads.
   *
   * @example
   * env.fromSource(fileSource({ path: 'orders.csv', format: csv() }), { uid: 'orders' })
   * env.fromSource(fileSource({ path: 'rates.csv', format: csv() }), { uid: 'rates', readFirst: true })
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
    checkMade(source, (source as Partial<Source<T>> | null)?.createReader, {
      what: 'fromSource',
      makers: 'fileSource(…), collectionSource(…) or another source',
    })
    const checked = checkStateful(options, 'fromSource', { names: SOURCE })
    // Whoever writes JavaScript may leave them out: the missing uid is reported with all others.
    const { watermarks, readFirst } = (options as SourceOptions<T> | undefined) ?? {}
    checkReadFirst(readFirst, options)
    if (watermarks !== undefined) {
      checkStrategy(watermarks, `watermarks of fromSource("${String(options.uid)}")`)
    }
    const how = {
      watermarks: watermarks as WatermarkStrategy<unknown> | undefined,
      ...(readFirst === true ? { readFirst } : {}),
    }
    return new GraphDataStream(this.#builder, [this.#builder.addSource(source, how, checked)])
  }
}

/** Anything but a boolean would be taken for one or the other, silently. */
function checkReadFirst(readFirst: unknown, options: StatefulOptions): void {
  if (readFirst === undefined || typeof readFirst === 'boolean') return
  throw new StreamError(
    'MR_OPTION_INVALID',
    `fromSource("${String(options.uid)}") has a readFirst that is ${givenText(readFirst)} (${typeof readFirst}); it does not say whether other sources wait for this one; give true or false.`,
    { uid: options.uid },
  )
}
