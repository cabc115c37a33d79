import type { Duration } from '../runtime/duration.ts'
import type { Key } from '../runtime/key.ts'
import type { OutputTag } from '../runtime/operator.ts'
import type { Sink } from '../runtime/sink.ts'
import type { WatermarkStrategy } from '../runtime/watermark-strategy.ts'
import type { ComparableField, ExtremeOptions, SummableField } from './aggregate/field-aggregate.ts'
import type { AsyncFunction, AsyncMapFunction } from './async/async-function.ts'
import type { AsyncMapOptions, AsyncOptions } from './async/async-options.ts'
import type { BroadcastProcessFunction } from './broadcast/broadcast-process.ts'
import type { KeyedBroadcastProcessFunction } from './broadcast/keyed-broadcast-process.ts'
import type { CoFlatMapFunction, CoMapFunction } from './co-map.ts'
import type { CoProcessFunction } from './co-process.ts'
import type { CoElementFunction, ElementFunction } from './element-function.ts'
import type { StatefulCoElementFunction, StatefulElementFunction } from './element-function.ts'
import type { DeduplicateChoice } from './deduplicate.ts'
import type { OnError } from './error-policy.ts'
import type { FilterFunction } from './filter.ts'
import type { FlatMapFunction } from './flat-map.ts'
import type { IntervalJoinFunction } from './interval-join.ts'
import type { MapFunction } from './map.ts'
import type { OperatorStateDeclarations } from './operator-state/operator-state.ts'
import type { ProcessFunction } from './process.ts'
import type { ReduceFunction } from './reduce.ts'
import type { StateDeclarations } from './process-context.ts'
import type { AggregateFunction } from './window/aggregate-function.ts'
import type { Evictor } from './window/evictor.ts'
import type { JoinFunctions, JoinKind, JoinRecord } from './window/join-function.ts'
import type { GlobalWindow, TimeWindow, Window } from './window/time-window.ts'
import type { NoStates, Trigger } from './window/trigger.ts'
import type { WindowAssigner } from './window/window-assigner.ts'
import type { WindowFunction, WindowProcessFunction } from './window/window-function.ts'
import type { TopNRanking } from './top-n.ts'

/** How an operator is chained: by default to what it reads where both have the same parallelism, so that they call each other. */
export interface ChainingOptions {
  /** It is not chained to what it reads. Default false. */
  readonly startNewChain?: boolean
  /** It is chained to nothing, neither before it nor behind it. Default false. */
  readonly disableChaining?: boolean
}

/** Options of an operator without state. */
export interface OperatorOptions<T> extends PlainOptions {
  /** What happens with a record whose function throws (R20). Default `'fail'`. */
  readonly onError?: OnError<T>
}

/** Options of an operator without state that calls for more than one record, or has more than one input. */
export interface PlainOptions extends ChainingOptions {
  /** Names the operator in plans, progress and errors. Default: its kind and a number. */
  readonly uid?: string
  /** Number of subtasks, 1 to the maximum parallelism. Default: that of the job. */
  readonly parallelism?: number
}

/** Options of whatever has state: its uid is how a checkpoint finds it again. */
export interface StatefulOptions extends ChainingOptions {
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
   * Only the records for which the function returns true. A stream of several types is narrowed to those that it lets pass.
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
   * A function that sees timestamps and watermarks and has side outputs. It may keep lists of its subtask (`operatorState`); other
   * state, and timers, belong to keys: see `KeyedStream.process`.
   *
   * @example
   * orders.process((order, ctx, out: Out<Order>) => {
   *   if (ctx.timestamp > ctx.currentWatermark) out.emit(order)
   *   else ctx.output(late, order)
   * })
   */
  process<R, const O extends OperatorStateDeclarations>(
    process: StatefulElementFunction<T, R, O>,
    options: StatefulOptions,
  ): DataStream<R>
  process<R>(process: ElementFunction<T, R>, options?: PlainOptions): DataStream<R>
  /**
   * Asks an asynchronous function of many records at once, for look-ups in other systems; its results come in the order of the
   * records, with their timestamps (semantics 2.16). One slow answer holds up those behind it: see `unorderedWait`.
   *
   * A call may be made more than once for a record, after a restart too; what it answers is emitted exactly once.
   *
   * @example
   * orders.orderedWait(async (order, ctx) => findOffers(order, ctx.signal), { uid: 'offers', timeout: '5s' })
   */
  orderedWait<R>(
    fn: AsyncFunction<T, R>,
    options: StatefulOptions & AsyncOptions<readonly NoInfer<R>[]>,
  ): DataStream<R>
  /**
   * The same, but results come as soon as they are there: records overtake each other, though never a watermark, nor a
   * watermark them.
   *
   * @example
   * orders.unorderedWait(async (order, ctx) => findOffers(order, ctx.signal), { uid: 'offers', capacity: 500 })
   */
  unorderedWait<R>(
    fn: AsyncFunction<T, R>,
    options: StatefulOptions & AsyncOptions<readonly NoInfer<R>[]>,
  ): DataStream<R>
  /**
   * One record for each, as `map`, from an asynchronous function; in the order of the records, or with `ordered: false` as
   * soon as it is there.
   *
   * @example
   * orders.asyncMap(async (order) => ({ ...order, owner: await findOwner(order) }), { uid: 'owners' })
   */
  asyncMap<R>(
    fn: AsyncMapFunction<T, R>,
    options: StatefulOptions & AsyncMapOptions<NoInfer<R>>,
  ): DataStream<R>
  /**
   * Groups records by key: all records of one key go to the same subtask, those of one sender in their order (R10, R19).
   * Called twice for a record at most, so the selector must always give the same key for it.
   *
   * @example
   * orders.keyBy((order) => order.customer)
   */
  keyBy<const K extends Key>(selector: (value: T) => K): KeyedStream<T, K>
  /**
   * Groups all records by windows, whatever their key would be: one subtask does it for the whole stream.
   *
   * @example
   * orders.windowAll(tumblingEventTimeWindows('1h')).aggregate(totals, { uid: 'all-hourly' })
   */
  windowAll<W extends Window, M extends boolean>(
    assigner: WindowAssigner<T, W, M>,
  ): WindowedStream<T, number, W, M>
  /**
   * This stream and others as one, in no particular order; its watermark is the lowest of them.
   *
   * @example
   * cards.union(transfers)
   */
  union<U = T>(...others: readonly DataStream<U>[]): DataStream<T | U>
  /**
   * This stream and another one as the two inputs of one operator. Between the two there is no order.
   *
   * @example
   * orders.connect(prices).map({ map1: (order) => order.id, map2: (price) => price.id })
   */
  connect<U>(other: BroadcastStream<U>): BroadcastConnectedStreams<T, U>
  connect<U>(other: DataStream<U>): ConnectedStreams<T, U>
  /**
   * The same stream, each record to every subtask of the next operator. Connected with another stream it feeds broadcast state:
   * see `broadcastProcessFunction`.
   *
   * @example
   * orders.connect(rates.broadcast()).process(converted, { uid: 'converted' })
   */
  broadcast(): BroadcastStream<T>
  /**
   * This stream and another one, joined within windows: the function is called for each pair of records that have the same
   * key and are in the same window. What has no partner there is dropped.
   *
   * @example
   * orders.join(payments)
   *   .where((order) => order.id).equalTo((payment) => payment.order)
   *   .window(tumblingEventTimeWindows('1h'))
   *   .apply((order, payment) => ({ order, payment }), { uid: 'paid' })
   */
  join<U>(other: DataStream<U>): JoinedStreams<T, U, 'join'>
  /**
   * The same, but a record of this stream that has no partner when its window fires goes out too, with undefined in place of
   * the other one.
   *
   * @example
   * orders.leftOuterJoin(payments)
   *   .where((order) => order.id).equalTo((payment) => payment.order)
   *   .window(tumblingEventTimeWindows('1h'))
   *   .apply((order, payment) => ({ order, isPaid: payment !== undefined }), { uid: 'orders' })
   */
  leftOuterJoin<U>(other: DataStream<U>): JoinedStreams<T, U, 'leftOuterJoin'>
  /**
   * This stream and another one, grouped within windows: the function gets the records of both that have one key and are in
   * one window, two lists of which one may be empty.
   *
   * @example
   * orders.coGroup(payments)
   *   .where((order) => order.id).equalTo((payment) => payment.order)
   *   .window(tumblingEventTimeWindows('1h'))
   *   .apply((orders, payments, ctx, out: Out<string>) => {
   *     if (payments.length > orders.length) out.emit(`order ${ctx.key} was paid twice`)
   *   }, { uid: 'paid-twice' })
   */
  coGroup<U>(other: DataStream<U>): JoinedStreams<T, U, 'coGroup'>
  /**
   * The same stream, whose records keep their subtask; fails with `MR_GRAPH_INVALID` where the next operator has another
   * parallelism.
   *
   * @example
   * parsed.forward().map(enrich)
   */
  forward(): DataStream<T>
  /**
   * The same stream, spread evenly: each subtask sends its records to all subtasks of the next operator in turn.
   *
   * @example
   * lines.rebalance().map(parse, { parallelism: 4 })
   */
  rebalance(): DataStream<T>
  /**
   * The same stream, spread in turn over a share of the next operator's subtasks: few channels, but only as even as the
   * senders are.
   *
   * @example
   * lines.rescale().map(parse, { parallelism: 4 })
   */
  rescale(): DataStream<T>
  /**
   * The same stream, each record to any subtask of the next operator.
   *
   * @example
   * lines.shuffle().map(parse)
   */
  shuffle(): DataStream<T>
  /**
   * The same stream, all records to the first subtask of the next operator.
   *
   * @example
   * counts.global().map(total)
   */
  global(): DataStream<T>
  /**
   * The same stream, each record to the subtask whose index a function returns, from 0 to `partitions` − 1. It must return
   * the same one for the same record; another number fails with `MR_PARTITION_INVALID`.
   *
   * @example
   * orders.partitionCustom((order, partitions) => order.shop.length % partitions).map(enrich)
   */
  partitionCustom(partition: (value: T, partitions: number) => number): DataStream<T>
  /**
   * An extra output of the operator that this stream comes from. Fails with `MR_GRAPH_INVALID` on a union, a side output
   * and behind a partitioning, which are no operators of their own.
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

/** A stream whose records go to every subtask of the operator that reads it; made by `broadcast`. */
export interface BroadcastStream<T> extends DataStream<T> {
  readonly isBroadcast: true
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
   * This stream and another one with keys of the same type as the two inputs of one operator, which share state and timers
   * of each key. Between the two there is no order.
   *
   * @example
   * rides.keyBy((ride) => ride.id).connect(fares.keyBy((fare) => fare.ride)).process(joined(), { uid: 'joined' })
   */
  connect<U>(other: KeyedStream<U, K>): KeyedConnectedStreams<T, U, K>
  /**
   * This stream and one whose records go to every subtask: rules, rates, switches.
   *
   * @example
   * orders.keyBy((o) => o.customer).connect(limits.broadcast()).process(overLimit, { uid: 'over-limit' })
   */
  connect<U>(other: BroadcastStream<U>): KeyedBroadcastConnectedStreams<T, U, K>
  /**
   * Joins each record with the records of another keyed stream that have the same key and are within an interval of it in
   * event time: `between(lower, upper)` takes pairs with `left + lower ≤ right ≤ left + upper`.
   *
   * @example
   * orders
   *   .keyBy((order) => order.id)
   *   .intervalJoin(payments.keyBy((payment) => payment.order))
   *   .between('-5m', '1h')
   *   .process((order, payment, ctx, out: Out<Paid>) => out.emit({ order, payment }), { uid: 'paid' })
   */
  intervalJoin<U>(other: KeyedStream<U, K>): IntervalJoin<T, U, K>
  /**
   * Combines the records of a key one after another; emits the new value for each record.
   *
   * @example
   * totals.keyBy((t) => t.shop).reduce((a, b) => ({ ...a, cents: a.cents + b.cents }), { uid: 'sum' })
   */
  reduce(reduce: ReduceFunction<T>, options: StatefulOptions): DataStream<T>
  /**
   * The running sum of a field: emits the first record of the key with its field replaced by the sum so far, for each record.
   * Numbers lose digits beyond 2^53, bigints never. A field that is missing or NaN fails with `MR_AGGREGATE_INVALID`, as
   * numbers among bigints do.
   *
   * @example
   * payments.keyBy((p) => p.shop).sum('cents', { uid: 'revenue' })
   */
  sum(field: SummableField<T>, options: StatefulOptions): DataStream<T>
  /**
   * The lowest value of a field so far: emits the first record of the key with its field replaced by it, for each record.
   * Strings are compared as `<` does it. `minBy` keeps the whole record.
   *
   * @example
   * readings.keyBy((r) => r.sensor).min('celsius', { uid: 'coldest' })
   */
  min(field: ComparableField<T>, options: StatefulOptions): DataStream<T>
  /**
   * The highest value of a field so far: emits the first record of the key with its field replaced by it, for each record.
   *
   * @example
   * readings.keyBy((r) => r.sensor).max('celsius', { uid: 'hottest' })
   */
  max(field: ComparableField<T>, options: StatefulOptions): DataStream<T>
  /**
   * The record with the lowest value of a field so far, emitted for each record; of equal ones the first, unless `first` is
   * false.
   *
   * @example
   * offers.keyBy((o) => o.item).minBy('cents', { uid: 'cheapest' })
   */
  minBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T>
  /**
   * The record with the highest value of a field so far, emitted for each record; of equal ones the first, unless `first` is
   * false.
   *
   * @example
   * bids.keyBy((b) => b.item).maxBy('cents', { uid: 'leading' })
   */
  maxBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T>
  /**
   * One record of each key, for as long as the key is remembered in event time: the first at once, or the last when its time
   * is over and at the end of the input.
   *
   * A first record keeps its timestamp. A last one gets its timestamp plus `ttl`, so that it is late for nothing behind this;
   * with `'never'` it keeps its own. Its time is over when the watermark has reached timestamp plus `ttl`; then the state of
   * the key is gone, and the next record is a first one. A record whose time is over when it comes passes at once, and is not
   * remembered.
   *
   * @example
   * clicks.keyBy((click) => click.id).deduplicate({ uid: 'once', keep: 'first', ttl: '1h' })
   */
  deduplicate(options: StatefulOptions & DeduplicateChoice): DataStream<T>
  /**
   * The n best records of each key so far, best first: the new list for each record that changes it. Of equal records the
   * earlier arrival is better. State is n records a key.
   *
   * @example
   * scores.keyBy((s) => s.game).topN(3, { uid: 'podium', by: (s) => s.points })
   */
  topN(n: number, options: StatefulOptions & TopNRanking<T>): DataStream<readonly T[]>
  /**
   * Groups the records of a key by windows.
   *
   * @example
   * orders.keyBy((o) => o.shop).window(tumblingEventTimeWindows('1h')).aggregate(totals, { uid: 'hourly' })
   */
  window<W extends Window, M extends boolean>(
    assigner: WindowAssigner<T, W, M>,
  ): WindowedStream<T, K, W, M>
  /**
   * Groups the records of a key by their number: windows of `size` records side by side; or, with a slide, the last `size`
   * records every `slide` records, fewer at first. Results have no timestamp. Records of a window that is never filled stay.
   *
   * @example
   * orders.keyBy((o) => o.shop).countWindow(100).aggregate(totals, { uid: 'per-hundred' })
   */
  countWindow(size: number, slide?: number): WindowedStream<T, K, GlobalWindow, false>
  /**
   * Writes every record to a sink; all records of a key go through the same subtask, in their order. So a sink that writes a file a key
   * and subtask writes one a key.
   *
   * @example
   * clicks
   *   .keyBy((click) => click.country)
   *   .sinkTo(s3Sink({ path: 's3://lake/clicks', format: json(), partitions: { country: (click) => click.country } }), { uid: 'lake' })
   */
  sinkTo(sink: Sink<T>, options: StatefulOptions): void
}

/** Options of `lateFiring`. */
export interface LateFiringOptions {
  /** Span of processing time in which a window fires at most once because of late records. */
  readonly atMostEvery: Duration
}

/** What an aggregate needs besides where windows merge. */
type MergeWhere<M extends boolean, Acc> = M extends true
  ? { readonly merge: (a: Acc, b: Acc) => Acc }
  : unknown

/** What a trigger needs besides where windows merge. */
type OnMergeWhere<M extends boolean> = M extends true
  ? { readonly onMerge: (...args: never) => void }
  : unknown

/**
 * A keyed stream grouped by windows: settings first, then `reduce`, `aggregate` or `process`, which add the operator.
 *
 * Without settings a window fires when its time has come and is gone then; records that come later are dropped and counted as
 * `numLateRecordsDropped`. `W` is the type of its windows, and `M` whether they merge.
 */
export interface WindowedStream<
  T,
  K extends Key,
  W extends Window = TimeWindow,
  M extends boolean = false,
> {
  /**
   * When windows fire, in place of what the assigner says. Where windows merge, a trigger without `onMerge` is an error.
   *
   * @example
   * windowed.trigger(continuousEventTimeTrigger('10m'))
   */
  trigger<S extends StateDeclarations = NoStates>(
    trigger: Trigger<T, W, S> & OnMergeWhere<M>,
  ): WindowedStream<T, K, W, M>
  /**
   * Drops records from a window before or after its function. All records are kept until then, with `reduce` and `aggregate`
   * too.
   *
   * @example
   * windowed.evictor(countEvictor(10))
   */
  evictor(evictor: Evictor<T, W>): WindowedStream<T, K, W, M>
  /**
   * Keeps windows for so long after their end, in event time, for records that are late. Each of these makes its windows fire
   * again at once, with all that is in them; `lateFiring` makes that less often. Default 0; without effect in processing time.
   *
   * @example
   * windowed.allowedLateness('1h')
   */
  allowedLateness(lateness: Duration): WindowedStream<T, K, W, M>
  /**
   * Where records go that are too late for all their windows, with their own timestamps; else they are dropped and counted.
   * Read it with `getSideOutput` from the stream that comes out.
   *
   * @example
   * windowed.sideOutputLateData(tooLate)
   */
  sideOutputLateData(tag: OutputTag<T>): WindowedStream<T, K, W, M>
  /**
   * Makes a window fire at most once per interval of processing time because of late records: the first one starts the
   * interval, and at its end, or when the window is cleaned up if that is earlier, it fires with all that has come.
   *
   * @example
   * windowed.allowedLateness('1h').lateFiring({ atMostEvery: '10s' })
   */
  lateFiring(options: LateFiringOptions): WindowedStream<T, K, W, M>
  /**
   * Combines the records of each key and window; emits what they have come to, or what the window function makes of it.
   *
   * @example
   * windowed.reduce((a, b) => (a.cents > b.cents ? a : b), { uid: 'dearest' })
   */
  reduce(reduce: ReduceFunction<T>, options: StatefulOptions): DataStream<T>
  reduce<R>(
    reduce: ReduceFunction<T>,
    windowFunction: WindowFunction<T, R, K, W> | WindowProcessFunction<T, R, K, W>,
    options: StatefulOptions,
  ): DataStream<R>
  /**
   * Folds the records of each key and window into one result, emitted when the window fires; with a window function, what
   * that makes of it. Both have the last timestamp of the window. Where windows merge, the aggregate needs `merge`.
   *
   * @example
   * windowed.aggregate(totals, (sum, ctx, out: Out<string>) => out.emit(`${ctx.key}: ${sum}`), { uid: 'hourly' })
   */
  aggregate<Acc, R>(
    aggregate: AggregateFunction<T, Acc, R> & MergeWhere<M, Acc>,
    options: StatefulOptions,
  ): DataStream<R>
  aggregate<Acc, A, R>(
    aggregate: AggregateFunction<T, Acc, A> & MergeWhere<M, Acc>,
    windowFunction: WindowFunction<A, R, K, W> | WindowProcessFunction<A, R, K, W>,
    options: StatefulOptions,
  ): DataStream<R>
  /**
   * A function that sees all records of a window when it fires; they are kept until then.
   *
   * @example
   * windowed.process(median, { uid: 'median' })
   */
  process<R>(process: WindowProcessFunction<T, R, K, W>, options: StatefulOptions): DataStream<R>
  /**
   * The sum of a field: emits the first record of each key and window with its field replaced by it. Otherwise as the running
   * `sum` of a keyed stream. Which record is the first is not told by arrival alone where windows overlap or merge.
   *
   * @example
   * windowed.sum('cents', { uid: 'revenue' })
   */
  sum(field: SummableField<T>, options: StatefulOptions): DataStream<T>
  /**
   * The lowest value of a field: emits the first record of each key and window with its field replaced by it.
   *
   * @example
   * windowed.min('cents', { uid: 'least' })
   */
  min(field: ComparableField<T>, options: StatefulOptions): DataStream<T>
  /**
   * The highest value of a field: emits the first record of each key and window with its field replaced by it.
   *
   * @example
   * windowed.max('cents', { uid: 'most' })
   */
  max(field: ComparableField<T>, options: StatefulOptions): DataStream<T>
  /**
   * The record with the lowest value of a field in each key and window; of equal ones the first, unless `first` is false.
   * Where windows overlap or merge, which of equal records that is is not told by arrival alone.
   *
   * @example
   * windowed.minBy('cents', { uid: 'cheapest' })
   */
  minBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T>
  /**
   * The record with the highest value of a field in each key and window; of equal ones as `minBy`.
   *
   * @example
   * windowed.maxBy('cents', { uid: 'dearest' })
   */
  maxBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T>
  /**
   * The n best records of each key and window, best first, as one list. State is n records a window; of equal records the
   * earlier arrival is better, but for those of different parts of windows that overlap or merge.
   *
   * @example
   * windowed.topN(3, { uid: 'dearest', by: (order) => order.cents })
   */
  topN(n: number, options: StatefulOptions & TopNRanking<T>): DataStream<readonly T[]>
}

/** Two streams to be joined within windows: the key of the left one is still to be given. */
export interface JoinedStreams<L, R, Kind extends JoinKind> {
  /**
   * The key of the left records.
   *
   * @example
   * orders.join(payments).where((order) => order.id)
   */
  where<const K extends Key>(selector: (left: L) => K): JoinedOnLeftKey<L, R, K, Kind>
}

/** The same, with the key of the right stream still to be given. */
export interface JoinedOnLeftKey<L, R, K extends Key, Kind extends JoinKind> {
  /**
   * The key of the right records, of the type of the left ones'.
   *
   * @example
   * orders.join(payments).where((order) => order.id).equalTo((payment) => payment.order)
   */
  equalTo(selector: (right: R) => K): JoinedOnKeys<L, R, K, Kind>
}

/** The same, with windows still to be given. */
export interface JoinedOnKeys<L, R, K extends Key, Kind extends JoinKind> {
  /**
   * Groups the records of both by the same windows.
   *
   * @example
   * orders.join(payments)
   *   .where((order) => order.id).equalTo((payment) => payment.order)
   *   .window(tumblingEventTimeWindows('1h'))
   */
  window<W extends Window, M extends boolean>(
    assigner: WindowAssigner<JoinRecord<L, R>, W, M>,
  ): JoinedWindows<L, R, K, Kind, W, M>
}

/**
 * Two streams joined within windows: settings first, as those of `WindowedStream`, then `apply`, which adds the operator.
 *
 * A window keeps all records of both sides until it is gone. When it fires, it is joined with the last timestamp of the window;
 * a record that comes late within the allowed lateness makes it fire again with all that is in it, so that its pairs from
 * before come again.
 */
export interface JoinedWindows<
  L,
  R,
  K extends Key,
  Kind extends JoinKind,
  W extends Window = TimeWindow,
  M extends boolean = false,
> {
  /**
   * When windows fire, in place of what the assigner says; records of both sides reach it.
   *
   * @example
   * joinedWindows.trigger(continuousEventTimeTrigger('10m'))
   */
  trigger<S extends StateDeclarations = NoStates>(
    trigger: Trigger<JoinRecord<L, R>, W, S> & OnMergeWhere<M>,
  ): JoinedWindows<L, R, K, Kind, W, M>
  /**
   * Drops records from a window before or after its function; it sees those of both sides, in the order of arrival.
   *
   * @example
   * joinedWindows.evictor(timeEvictor('5m'))
   */
  evictor(evictor: Evictor<JoinRecord<L, R>, W>): JoinedWindows<L, R, K, Kind, W, M>
  /**
   * Keeps windows for so long after their end, in event time, for records that are late. Default 0.
   *
   * @example
   * joinedWindows.allowedLateness('1h')
   */
  allowedLateness(lateness: Duration): JoinedWindows<L, R, K, Kind, W, M>
  /**
   * Where records go that are too late for all their windows, with their side; else they are dropped and counted as
   * `numLateRecordsDropped`.
   *
   * @example
   * joinedWindows.sideOutputLateData(outputTag<JoinRecord<Order, Payment>>('too-late'))
   */
  sideOutputLateData(tag: OutputTag<JoinRecord<L, R>>): JoinedWindows<L, R, K, Kind, W, M>
  /**
   * Makes a window fire at most once per interval of processing time because of late records.
   *
   * @example
   * joinedWindows.allowedLateness('1h').lateFiring({ atMostEvery: '10s' })
   */
  lateFiring(options: LateFiringOptions): JoinedWindows<L, R, K, Kind, W, M>
  /**
   * Adds the operator. Pairs come in the order of the left records, and for each of them in that of the right ones: a window
   * with m and n records of a key calls a join function m × n times.
   *
   * @example
   * joinedWindows.apply((order, payment) => ({ order, payment }), { uid: 'paid' })
   */
  apply<Result>(
    join: JoinFunctions<L, R, Result, K, W>[Kind],
    options: StatefulOptions,
  ): DataStream<Result>
}

/** Two streams that one operator reads; each record keeps its timestamp, and the watermark is the lower of the two. */
export interface ConnectedStreams<A, B> {
  /**
   * Groups both by keys of one type: records of both with equal keys meet in one subtask, and share state and timers there.
   *
   * @example
   * rides.connect(fares).keyBy((ride) => ride.id, (fare) => fare.ride)
   */
  keyBy<const K extends Key>(
    first: (value: A) => K,
    second: (value: B) => K,
  ): KeyedConnectedStreams<A, B, K>
  /**
   * One record for each of either input.
   *
   * @example
   * clicks.connect(orders).map({ map1: (click) => click.user, map2: (order) => order.user })
   */
  map<R>(map: CoMapFunction<A, B, R>, options?: PlainOptions): DataStream<R>
  /**
   * Any number of records for each of either input.
   *
   * @example
   * clicks.connect(orders).flatMap({ flatMap1: () => [], flatMap2: (order) => order.items })
   */
  flatMap<R>(flatMap: CoFlatMapFunction<A, B, R>, options?: PlainOptions): DataStream<R>
  /**
   * A function for each input that sees timestamps and watermarks and has side outputs.
   *
   * @example
   * clicks.connect(orders).process({
   *   processElement1: (click, ctx, out: Out<string>) => out.emit(click.user),
   *   processElement2: (order, ctx, out: Out<string>) => out.emit(order.user),
   * })
   */
  process<R, const O extends OperatorStateDeclarations>(
    process: StatefulCoElementFunction<A, B, R, O>,
    options: StatefulOptions,
  ): DataStream<R>
  process<R>(process: CoElementFunction<A, B, R>, options?: PlainOptions): DataStream<R>
}

/** Two streams grouped by keys of one type: what reads them has state and timers for each key. */
export interface KeyedConnectedStreams<A, B, K extends Key> {
  /**
   * A function for each input, with state and timers that both share.
   *
   * @example
   * rides.connect(fares).keyBy((ride) => ride.id, (fare) => fare.ride).process(joined(), { uid: 'joined' })
   */
  process<R>(process: CoProcessFunction<A, B, R, K>, options: StatefulOptions): DataStream<R>
}

/** An interval join whose interval is still to be given. */
export interface IntervalJoin<L, R, K extends Key> {
  /**
   * The interval of the right record's time as seen from the left one's: both bounds belong to it, and may be negative.
   *
   * @example
   * orders.keyBy((o) => o.id).intervalJoin(payments.keyBy((p) => p.order)).between('-5m', '1h')
   */
  between(lower: Duration, upper: Duration): IntervalJoinedStreams<L, R, K>
}

/**
 * Two keyed streams joined by an interval. A pair is emitted when the later record of it arrives, with the later timestamp of
 * the two; records are buffered until nothing that may still come can meet them. A record below the watermark is late: it is
 * joined with nothing and counted as `numLateRecordsDropped`, unless it goes to a side output.
 */
export interface IntervalJoinedStreams<L, R, K extends Key> {
  /**
   * The lower bound itself does not belong to the interval.
   *
   * @example
   * joined.lowerBoundExclusive()
   */
  lowerBoundExclusive(): IntervalJoinedStreams<L, R, K>
  /**
   * The upper bound itself does not belong to the interval.
   *
   * @example
   * joined.upperBoundExclusive()
   */
  upperBoundExclusive(): IntervalJoinedStreams<L, R, K>
  /**
   * Late records of the left stream go to this side output.
   *
   * @example
   * joined.sideOutputLeftLateData(lateOrders)
   */
  sideOutputLeftLateData(tag: OutputTag<L>): IntervalJoinedStreams<L, R, K>
  /**
   * Late records of the right stream go to this side output.
   *
   * @example
   * joined.sideOutputRightLateData(latePayments)
   */
  sideOutputRightLateData(tag: OutputTag<R>): IntervalJoinedStreams<L, R, K>
  /**
   * Called for each pair. Pairs of one record come in no particular order.
   *
   * @example
   * joined.process((order, payment, ctx, out: Out<Paid>) => out.emit({ order, payment }), { uid: 'paid' })
   */
  process<Result>(
    join: IntervalJoinFunction<L, R, Result, K>,
    options: StatefulOptions,
  ): DataStream<Result>
}

/** A stream and a broadcast stream that one operator reads: every subtask gets each record of the latter. */
export interface BroadcastConnectedStreams<A, B> extends Omit<
  ConnectedStreams<A, B>,
  'keyBy' | 'process'
> {
  /**
   * A function that keeps what is broadcast in broadcast state, and reads it for the records of the other stream.
   *
   * @example
   * orders.connect(rates.broadcast()).process(converted, { uid: 'converted' })
   */
  process<R>(process: BroadcastProcessFunction<A, B, R>, options: StatefulOptions): DataStream<R>
  /** A function for each input, without broadcast state. */
  process<R, const O extends OperatorStateDeclarations>(
    process: StatefulCoElementFunction<A, B, R, O>,
    options: StatefulOptions,
  ): DataStream<R>
  process<R>(process: CoElementFunction<A, B, R>, options?: PlainOptions): DataStream<R>
}

/** A keyed stream and a broadcast stream that one operator reads: every subtask gets each record of the latter. */
export interface KeyedBroadcastConnectedStreams<A, B, K extends Key> {
  /**
   * A function with keyed state and timers that keeps what is broadcast in broadcast state.
   *
   * @example
   * orders.keyBy((o) => o.customer).connect(limits.broadcast()).process(overLimit, { uid: 'over-limit' })
   */
  process<R>(
    process: KeyedBroadcastProcessFunction<A, B, R, K>,
    options: StatefulOptions,
  ): DataStream<R>
}
