/** The public API of millrace: an explicit list of names. */

// Jobs
export { job, type JobOptions } from './operators/job.ts'
export { param, type Param, type ParamFactory, type ParamValues } from './operators/param.ts'
export { exponentialDelayRestart, type ExponentialDelayOptions } from './operators/restart.ts'
export { failureRateRestart, type FailureRateOptions } from './operators/restart.ts'
export { fixedDelayRestart, type FixedDelayOptions, noRestart } from './operators/restart.ts'
export type { JobModule } from './runtime/job/job-module.ts'
export type { RestartConfig } from './runtime/graph/restart-config.ts'
export { runJob, startJob } from './runtime/job/run-later.ts'
export type { RunningJob, StopOptions } from './runtime/job/running-job.ts'
export type { JobEvent, JobMetrics, JobResult, RunJobOptions } from './runtime/job/job-events.ts'
export type { SavepointSummary } from './runtime/job/job-events.ts'

// Streams
export type { SourceOptions, StreamEnvironment } from './operators/environment.ts'
export type { DataStream, KeyedStream, WindowedStream } from './operators/streams.ts'
export type { ConnectedStreams, KeyedConnectedStreams } from './operators/streams.ts'
export type { BroadcastConnectedStreams, BroadcastStream } from './operators/streams.ts'
export type { KeyedBroadcastConnectedStreams } from './operators/streams.ts'
export type { ChainingOptions, PlainOptions } from './operators/streams.ts'
export type { LateFiringOptions, OperatorOptions, StatefulOptions } from './operators/streams.ts'
export { outputTag } from './operators/output-tag.ts'
export type { OutputTag, TimerService } from './runtime/operator.ts'
export type { FailedRecord, OnError } from './operators/error-policy.ts'
export type { Duration } from './runtime/duration.ts'
export type { Key } from './runtime/key.ts'

// Functions
export type { FunctionContext, FunctionLifecycle } from './operators/function.ts'
export type { Out } from './operators/collector.ts'
export type { MapFunction } from './operators/map.ts'
export type { FilterFunction } from './operators/filter.ts'
export type { FlatMapFunction } from './operators/flat-map.ts'
export type { ReduceFunction } from './operators/reduce.ts'
export { processFunction, type ProcessFunction } from './operators/process.ts'
export type { ProcessContext, TimerContext } from './operators/process-context.ts'
export type { CoElementFunction, ElementContext } from './operators/element-function.ts'
export type { ElementFunction, StatefulElementContext } from './operators/element-function.ts'
export type { StatefulCoElementFunction } from './operators/element-function.ts'
export type { StatefulElementFunction } from './operators/element-function.ts'
export type { CoFlatMapFunction, CoMapFunction } from './operators/co-map.ts'
export type { IntervalJoin, IntervalJoinedStreams } from './operators/streams.ts'
export type { IntervalJoinContext } from './operators/interval-join-context.ts'
export type { IntervalJoinFunction } from './operators/interval-join.ts'
export { coProcessFunction, type CoProcessFunction } from './operators/co-process.ts'
export { broadcastTableJoin, tableJoin, type TableRows } from './operators/table-join.ts'
export type { Upsert } from './runtime/upsert.ts'
export { broadcastProcessFunction } from './operators/broadcast/broadcast-process.ts'
export type { BroadcastProcessFunction } from './operators/broadcast/broadcast-process.ts'
export { keyedBroadcastProcessFunction } from './operators/broadcast/keyed-broadcast-process.ts'
export type { KeyedBroadcastProcessFunction } from './operators/broadcast/keyed-broadcast-process.ts'
export type { BroadcastContext } from './operators/broadcast/broadcast-context.ts'
export type { KeyedBroadcastContext } from './operators/broadcast/broadcast-context.ts'
export type { BroadcastTimerContext } from './operators/broadcast/broadcast-context.ts'
export type { KeyedReadOnlyBroadcastContext } from './operators/broadcast/broadcast-context.ts'
export type { ReadOnlyBroadcastContext } from './operators/broadcast/broadcast-context.ts'

// Asynchronous functions
export type { AsyncContext, AsyncFunction } from './operators/async/async-function.ts'
export type { AsyncMapFunction } from './operators/async/async-function.ts'
export type { AsyncMapOptions, AsyncOptions } from './operators/async/async-options.ts'
export type { AsyncRetry } from './operators/async/async-options.ts'
export type { RetryDelay } from './operators/async/retry-delay.ts'

// State
export { aggregatingState, listState, mapState } from './runtime/state/state.ts'
export { reducingState, type StateDescriptor, valueState } from './runtime/state/state.ts'
export type { AggregatingState, ListState, MapState } from './runtime/state/state.ts'
export type { ReducingState, ValueState } from './runtime/state/state.ts'
export type { StateAggregator, StateReducer } from './runtime/state/state.ts'
export type { StateOptions } from './runtime/state/state-options.ts'
export { operatorListState, unionListState } from './runtime/state/operator-state.ts'
export type { OperatorListState, OperatorStateOptions } from './runtime/state/operator-state.ts'
export type { OperatorStateDescriptor } from './runtime/state/operator-state.ts'
export type { OperatorStateContext } from './operators/operator-state/operator-state.ts'
export type { TtlOptions, TtlTimeDomain } from './runtime/state/state-ttl.ts'
export type { BroadcastState } from './operators/broadcast/broadcast-state.ts'
export type { ReadOnlyBroadcastState } from './operators/broadcast/broadcast-state.ts'

// Time
export { boundedOutOfOrderness, monotonousTimestamps } from './operators/watermarks.ts'
export { noWatermarks } from './operators/watermarks.ts'
export { customWatermarks, punctuatedWatermarks } from './operators/custom-watermarks.ts'
export type { CustomWatermarkOptions } from './operators/custom-watermarks.ts'
export type { TimestampFunction, WatermarkOptions } from './operators/watermark-options.ts'
export type { AlignmentOptions, IdlenessOptions } from './operators/watermark-options.ts'
export type { WatermarkGenerator, WatermarkStrategy } from './runtime/watermark-strategy.ts'
export type { WatermarkAlignment } from './runtime/watermark-strategy.ts'
export { explainEventTime } from './runtime/job/explain-event-time.ts'
export type { EventTimeExplanation, EventTimeFigures } from './runtime/event-time.ts'
export type { EventTimeReason, EventTimeStep, SubtaskEventTime } from './runtime/event-time.ts'

// Windows
export { tumblingEventTimeWindows } from './operators/window/tumbling-windows.ts'
export { tumblingProcessingTimeWindows } from './operators/window/tumbling-windows.ts'
export type { TumblingWindowOptions, WindowStagger } from './operators/window/tumbling-windows.ts'
export { slidingEventTimeWindows } from './operators/window/sliding-windows.ts'
export { slidingProcessingTimeWindows } from './operators/window/sliding-windows.ts'
export type { SlidingWindowOptions } from './operators/window/sliding-windows.ts'
export {
  eventTimeSessionWindows,
  processingTimeSessionWindows,
  type SessionGap,
} from './operators/window/session-windows.ts'
export { globalWindows, type GlobalWindowOptions } from './operators/window/global-windows.ts'
export { timeWindow } from './operators/window/time-window.ts'
export type { GlobalWindow, TimeWindow, Window } from './operators/window/time-window.ts'
export type { AssignerContext, WindowAssigner } from './operators/window/window-assigner.ts'
export {
  endOfStreamTrigger,
  eventTimeTrigger,
  neverTrigger,
  processingTimeTrigger,
} from './operators/window/time-triggers.ts'
export { countTrigger } from './operators/window/count-trigger.ts'
export { continuousEventTimeTrigger } from './operators/window/continuous-triggers.ts'
export { continuousProcessingTimeTrigger } from './operators/window/continuous-triggers.ts'
export { type DeltaFunction, deltaTrigger } from './operators/window/delta-trigger.ts'
export { purgingTrigger } from './operators/window/purging-trigger.ts'
export {
  type ProcessingTimeoutOptions,
  processingTimeoutTrigger,
} from './operators/window/processing-timeout-trigger.ts'
export type { MergingTrigger, NoStates, Trigger } from './operators/window/trigger.ts'
export type {
  TriggerContext,
  TriggerMergeContext,
  TriggerResult,
} from './operators/window/trigger.ts'
export { countEvictor, deltaEvictor, timeEvictor } from './operators/window/evictor.ts'
export type { Evictor, EvictorOptions, WindowElement } from './operators/window/evictor.ts'
export type {
  AggregateFunction,
  MergingAggregateFunction,
} from './operators/window/aggregate-function.ts'
export {
  type WindowFunction,
  windowProcessFunction,
  type WindowProcessFunction,
} from './operators/window/window-function.ts'
export type { JoinedStreams, JoinedWindows } from './operators/streams.ts'
export type { CoGroupFunction, WindowJoinFunction } from './operators/window/join-function.ts'
export type { JoinKind, JoinRecord } from './operators/window/join-function.ts'
export type { WindowContext, WindowProcessContext } from './operators/window/window-function.ts'

// Ready-made aggregates
export { averageOf, count, maxOf, minOf, sumOf } from './operators/aggregate/ready-made.ts'
export { approximateCountDistinct, countDistinct } from './operators/aggregate/count-distinct.ts'
export type { ApproximateCountOptions } from './operators/aggregate/count-distinct.ts'
export type { ComparableField, SummableField } from './operators/aggregate/field-aggregate.ts'
export type { ExtremeOptions } from './operators/aggregate/field-aggregate.ts'
export type { DeduplicateChoice } from './operators/deduplicate.ts'
export type { TopNRanking } from './operators/top-n.ts'

// Connectors
export { bytes } from './connectors/bytes-format.ts'
export { collectionSink } from './connectors/collection-sink.ts'
export { collectionSource } from './connectors/collection-source.ts'
export { csv, type CsvOptions, type CsvRecord } from './connectors/csv-format.ts'
export type { CsvFormat, CsvReadFormat } from './connectors/csv-format.ts'
export { dataGeneratorSource, type DataGeneratorOptions } from './connectors/datagen-source.ts'
export { fileSink, type FileSinkOptions } from './connectors/file-sink.ts'
export type { FileCompression } from './connectors/compression.ts'
export { fileSource, type FileSourceOptions } from './connectors/file-source.ts'
export { json, type JsonOptions } from './connectors/json-format.ts'
export { printSink, type PrintSinkOptions } from './connectors/print-sink.ts'
export type { BadRecord, OnBadRecord } from './connectors/bad-record.ts'
export { string } from './connectors/string-format.ts'
export { BadMessageError, type MessageContext } from './connectors/message-format.ts'
export type { MessageFormat, MessageReader, MessageWriter } from './connectors/message-format.ts'
export type { ReadFormat } from './connectors/read-format.ts'
export type { FileCut, FileEncoder, FileFormat, WriteFormat } from './connectors/format.ts'
export type { Source } from './runtime/source.ts'
export type { Sink } from './runtime/sink.ts'

// Errors
export { ERROR_CODES, type ErrorCode, RestartableError, StreamError } from './runtime/errors.ts'
