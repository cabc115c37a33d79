import type { WatermarkStrategy } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import type { OutputTag } from '../runtime/operator.ts'
import type { Sink } from '../runtime/sink.ts'
import type { OnError } from './error-policy.ts'
import type { FilterFunction } from './filter.ts'
import type { FlatMapFunction } from './flat-map.ts'
import type { MapFunction } from './map.ts'
import type { ProcessFunction } from './process.ts'
import type { ReduceFunction } from './reduce.ts'
import type { AggregateFunction, WindowFunction } from './window-aggregate.ts'
import type { WindowAssigner } from './windows.ts'

/** Options of an operator without state. */
export interface OperatorOptions<T> {
  /** Names the operator in plans, progress and errors. Default: its kind and a number. */
  readonly uid?: string
  /** Number of subtasks, 1 to the maximum parallelism. Default: that of the job. */
  readonly parallelism?: number
  /** What happens with a record whose function throws (R20). Default `'fail'`. */
  readonly onError?: OnError<T>
}

/** Options of whatever has state: its uid is how a checkpoint finds it again. */
export interface StatefulOptions {
  /** Unique in the job: letters, digits, `.`, `_` and `-`; upper and lower case are the same. */
  readonly uid: string
  /** Number of subtasks, 1 to the maximum parallelism. Default: that of the job. */
  readonly parallelism?: number
}

/**
 * A stream of records in a graph being built. Each method adds a node and returns the stream that comes out of it; nothing
 * is executed, and mistakes are reported all at once when the function of the job has returned.
 *
 * A stream may be read by any number of operators; each of them gets every record.
 */
export interface DataStream<T> {
  /**
   * One record for each, with the same timestamp.
   *
   * @example
   * orders.map((order) => order.total)
   */
  map<R>(map: MapFunction<T, R>, options?: OperatorOptions<T>): DataStream<R>
  /**
   * Only the records for which the function returns true.
   *
   * @example
   * orders.filter((order) => order.total > 0)
   */
  filter<S extends T>(filter: (value: T) => value is S, options?: OperatorOptions<T>): DataStream<S>
  filter(filter: FilterFunction<T>, options?: OperatorOptions<T>): DataStream<T>
  /**
   * Any number of records for each, with the same timestamp: returned as an array, or emitted to the collector.
   *
   * @example
   * lines.flatMap((line) => line.split(' '))
   */
  flatMap<R>(flatMap: FlatMapFunction<T, R>, options?: OperatorOptions<T>): DataStream<R>
  /**
   * Groups records by key: all records of one key go to the same subtask, those of one sender in their order (R10, R19).
   * Called twice for a record at most, so the selector must always give the same key for it.
   *
   * @example
   * orders.keyBy((order) => order.customer)
   */
  keyBy<const K extends Key>(selector: (value: T) => K): KeyedStream<T, K>
  /**
   * This stream and others as one, in no particular order; its watermark is the lowest of them.
   *
   * @example
   * cards.union(transfers)
   */
  union<U = T>(...others: readonly DataStream<U>[]): DataStream<T | U>
  /**
   * An extra output of the operator that this stream comes from. Fails with `MR_GRAPH_INVALID` on a union or a side output,
   * which come from no operator of their own.
   *
   * @example
   * parsed.getSideOutput(badLines)
   */
  getSideOutput<U>(tag: OutputTag<U>): DataStream<U>
  /**
   * Gives records new timestamps and generates watermarks from them, per subtask; those from before are left aside. Where a
   * source can do it (`fromSource(…, { watermarks })`) it is done per split, which lets fewer records be late.
   *
   * @example
   * orders.assignTimestampsAndWatermarks(boundedOutOfOrderness('5s', (o) => o.placedAt), { uid: 'time' })
   */
  assignTimestampsAndWatermarks(
    strategy: WatermarkStrategy<T>,
    options: StatefulOptions,
  ): DataStream<T>
  /**
   * Writes every record to a sink.
   *
   * @example
   * alerts.sinkTo(fileSink({ dir: 'out', format: json() }), { uid: 'alerts' })
   */
  sinkTo(sink: Sink<T>, options: StatefulOptions): void
}

/** A stream grouped by key: what follows has state and timers for each key. */
export interface KeyedStream<T, K extends Key> {
  /**
   * A function with declared state and timers.
   *
   * @example
   * orders.keyBy((o) => o.customer).process(firstOrder(), { uid: 'first-order' })
   */
  process<R>(process: ProcessFunction<T, R, K>, options: StatefulOptions): DataStream<R>
  /**
   * Combines the records of a key one after another; emits the new value for each record.
   *
   * @example
   * totals.keyBy((t) => t.shop).reduce((a, b) => ({ ...a, cents: a.cents + b.cents }), { uid: 'sum' })
   */
  reduce(reduce: ReduceFunction<T>, options: StatefulOptions): DataStream<T>
  /**
   * Groups the records of a key by windows of event time.
   *
   * @example
   * orders.keyBy((o) => o.shop).window(tumblingEventTimeWindows('1h')).aggregate(totals, { uid: 'hourly' })
   */
  window(assigner: WindowAssigner): WindowedStream<T, K>
}

/** A keyed stream grouped by windows. */
export interface WindowedStream<T, K extends Key> {
  /**
   * Folds the records of each key and window into one result, emitted when the window closes; with a window function, what
   * that makes of it. Both have the last timestamp of the window.
   *
   * @example
   * windowed.aggregate(totals, (sum, ctx, out: Out<string>) => out.emit(`${ctx.key}: ${sum}`), { uid: 'hourly' })
   */
  aggregate<Acc, R>(
    aggregate: AggregateFunction<T, Acc, R>,
    options: StatefulOptions,
  ): DataStream<R>
  aggregate<Acc, A, R>(
    aggregate: AggregateFunction<T, Acc, A>,
    windowFunction: WindowFunction<A, R, K>,
    options: StatefulOptions,
  ): DataStream<R>
}
