import { readFile } from 'node:fs/promises'
import * as millrace from 'millrace'
import * as aws from 'millrace/aws'
import * as kafka from 'millrace/kafka'
import * as formats from 'millrace/formats'
import * as state from 'millrace/state'
import * as kit from 'millrace/testing'
import { expect, test } from 'vitest'

/** Every public name; adding or removing one is a decision, and a line of the changelog. */
const VALUES = [
  'BadMessageError',
  'ERROR_CODES',
  'RestartableError',
  'StreamError',
  'aggregatingState',
  'approximateCountDistinct',
  'averageOf',
  'boundedOutOfOrderness',
  'broadcastProcessFunction',
  'broadcastTableJoin',
  'bytes',
  'coProcessFunction',
  'collectionSink',
  'collectionSource',
  'continuousEventTimeTrigger',
  'continuousProcessingTimeTrigger',
  'count',
  'countDistinct',
  'countEvictor',
  'countTrigger',
  'csv',
  'customWatermarks',
  'dataGeneratorSource',
  'deltaEvictor',
  'deltaTrigger',
  'endOfStreamTrigger',
  'eventTimeSessionWindows',
  'eventTimeTrigger',
  'explainEventTime',
  'exponentialDelayRestart',
  'failureRateRestart',
  'fileSink',
  'fileSource',
  'fixedDelayRestart',
  'globalWindows',
  'job',
  'json',
  'keyedBroadcastProcessFunction',
  'listState',
  'mapState',
  'maxOf',
  'minOf',
  'monotonousTimestamps',
  'neverTrigger',
  'noRestart',
  'noWatermarks',
  'operatorListState',
  'outputTag',
  'param',
  'printSink',
  'processFunction',
  'processingTimeSessionWindows',
  'processingTimeTrigger',
  'processingTimeoutTrigger',
  'punctuatedWatermarks',
  'purgingTrigger',
  'reducingState',
  'runJob',
  'slidingEventTimeWindows',
  'slidingProcessingTimeWindows',
  'startJob',
  'string',
  'sumOf',
  'tableJoin',
  'timeEvictor',
  'timeWindow',
  'tumblingEventTimeWindows',
  'tumblingProcessingTimeWindows',
  'unionListState',
  'valueState',
  'windowProcessFunction',
]

const TYPES = [
  'AggregateFunction',
  'AggregatingState',
  'AlignmentOptions',
  'ApproximateCountOptions',
  'AssignerContext',
  'AsyncContext',
  'AsyncFunction',
  'AsyncMapFunction',
  'AsyncMapOptions',
  'AsyncOptions',
  'AsyncRetry',
  'BadRecord',
  'BroadcastConnectedStreams',
  'BroadcastContext',
  'BroadcastProcessFunction',
  'BroadcastState',
  'BroadcastStream',
  'BroadcastTimerContext',
  'ChainingOptions',
  'CoElementFunction',
  'CoFlatMapFunction',
  'CoGroupFunction',
  'CoMapFunction',
  'CoProcessFunction',
  'ComparableField',
  'ConnectedStreams',
  'CsvFormat',
  'CsvOptions',
  'CsvReadFormat',
  'CsvRecord',
  'CustomWatermarkOptions',
  'DataGeneratorOptions',
  'DataStream',
  'DeduplicateChoice',
  'DeltaFunction',
  'Duration',
  'ElementContext',
  'ElementFunction',
  'ErrorCode',
  'EventTimeExplanation',
  'EventTimeFigures',
  'EventTimeReason',
  'EventTimeStep',
  'Evictor',
  'EvictorOptions',
  'ExponentialDelayOptions',
  'ExtremeOptions',
  'FailedRecord',
  'FailureRateOptions',
  'FileSinkOptions',
  'FileSourceOptions',
  'FilterFunction',
  'FixedDelayOptions',
  'FlatMapFunction',
  'FunctionContext',
  'FunctionLifecycle',
  'GlobalWindow',
  'GlobalWindowOptions',
  'IdlenessOptions',
  'IntervalJoin',
  'IntervalJoinContext',
  'IntervalJoinFunction',
  'IntervalJoinedStreams',
  'JobEvent',
  'JobMetrics',
  'JobModule',
  'JobOptions',
  'JobResult',
  'JoinKind',
  'JoinRecord',
  'JoinedStreams',
  'JoinedWindows',
  'JsonOptions',
  'Key',
  'KeyedBroadcastConnectedStreams',
  'KeyedBroadcastContext',
  'KeyedBroadcastProcessFunction',
  'KeyedConnectedStreams',
  'KeyedReadOnlyBroadcastContext',
  'KeyedStream',
  'LateFiringOptions',
  'ListState',
  'MapFunction',
  'MapState',
  'MergingAggregateFunction',
  'MergingTrigger',
  'MessageContext',
  'MessageFormat',
  'MessageReader',
  'MessageWriter',
  'NoStates',
  'OnBadRecord',
  'OnError',
  'OperatorListState',
  'OperatorOptions',
  'OperatorStateContext',
  'OperatorStateDescriptor',
  'OperatorStateOptions',
  'Out',
  'OutputTag',
  'Param',
  'ParamFactory',
  'ParamValues',
  'PlainOptions',
  'PrintSinkOptions',
  'ProcessContext',
  'ProcessFunction',
  'ProcessingTimeoutOptions',
  'ReadFormat',
  'ReadOnlyBroadcastContext',
  'ReadOnlyBroadcastState',
  'ReduceFunction',
  'ReducingState',
  'RestartConfig',
  'RetryDelay',
  'RunJobOptions',
  'RunningJob',
  'SavepointSummary',
  'SessionGap',
  'Sink',
  'SlidingWindowOptions',
  'Source',
  'SourceOptions',
  'StateAggregator',
  'StateDescriptor',
  'StateOptions',
  'StateReducer',
  'StatefulCoElementFunction',
  'StatefulElementContext',
  'StatefulElementFunction',
  'StatefulOptions',
  'StopOptions',
  'StreamEnvironment',
  'SubtaskEventTime',
  'SummableField',
  'TableRows',
  'TimeWindow',
  'TimerContext',
  'TimerService',
  'TimestampFunction',
  'TopNRanking',
  'Trigger',
  'TriggerContext',
  'TriggerMergeContext',
  'TriggerResult',
  'TtlOptions',
  'TtlTimeDomain',
  'TumblingWindowOptions',
  'Upsert',
  'ValueState',
  'WatermarkAlignment',
  'WatermarkGenerator',
  'WatermarkOptions',
  'WatermarkStrategy',
  'Window',
  'WindowAssigner',
  'WindowContext',
  'WindowElement',
  'WindowFunction',
  'WindowJoinFunction',
  'WindowProcessContext',
  'WindowProcessFunction',
  'WindowStagger',
  'WindowedStream',
  'WriteFormat',
]

const KIT_VALUES = [
  'ABORT',
  'FAILPOINTS',
  'ManualClock',
  'SimulatedDisk',
  'VERIFY_MODES',
  'at',
  'forSeeds',
  'operatorHarness',
  'pause',
  'randomCrashes',
  'testJob',
  'verifyOperator',
]

const KIT_TYPES = [
  'BothKeyedBy',
  'CollectionMarker',
  'Crash',
  'CrashPoint',
  'Failpoint',
  'FunctionUnderTest',
  'HarnessInput',
  'HarnessTime',
  'InputRecord',
  'KeyedBy',
  'OperatorHarness',
  'OperatorHarnessOptions',
  'OperatorSnapshot',
  'OutputElement',
  'RestoreOptions',
  'StreamHarness',
  'StreamRecord',
  'StreamUnderTest',
  'TestJobOptions',
  'TestJobResult',
  'Timestamped',
  'TwoHarnessInputs',
  'TwoInputFunctionUnderTest',
  'TwoInputHarness',
  'TwoStreamsUnderTest',
  'VerifyMode',
  'VerifyOptions',
]

/** The types that a file exports by name. */
async function typesOf(file: string): Promise<string[]> {
  const source = await readFile(new URL(file, import.meta.url), 'utf8')
  const types: string[] = []
  for (const [, isType, list] of source.matchAll(/export (type )?\{([^}]*)\}/g)) {
    const names = list!.split(',').map((name) => name.trim())
    const typed = names.filter((name) => isType !== undefined || name.startsWith('type '))
    types.push(...typed.map((name) => name.replace(/^type /, '')).filter((name) => name !== ''))
  }
  return types.sort()
}

test('the values that millrace exports are the ones listed here', () => {
  expect(Object.keys(millrace).sort()).toEqual(VALUES)
})

test('the types that millrace exports are the ones listed here', async () => {
  expect(await typesOf('../index.ts')).toEqual(TYPES)
})

const STATE_VALUES = [
  'bootstrapBroadcast',
  'bootstrapOperatorState',
  'bootstrapState',
  'bootstrapTimers',
  'changeState',
  'dropState',
  'fromJson',
  'openSnapshot',
  'putEntries',
  'renameState',
  'toJson',
  'verifySnapshots',
  'writeSavepoint',
]

const STATE_TYPES = [
  'Entries',
  'Json',
  'MeasuredState',
  'NewEntry',
  'NewEntryOwner',
  'NewTimer',
  'OperatorWatermarks',
  'Snapshot',
  'SnapshotChange',
  'SnapshotEntry',
  'SnapshotState',
  'SnapshotStateKind',
  'SourcePosition',
  'StateAddress',
  'StateEdit',
  'StateEdits',
  'VerifiedSnapshot',
  'WriteSavepointOptions',
  'WrittenSavepoint',
]

const KAFKA_TYPES = [
  'BadKafkaRecord',
  'KafkaCompression',
  'KafkaConnection',
  'KafkaEnd',
  'KafkaRecord',
  'KafkaSasl',
  'KafkaSinkOptions',
  'KafkaSourceOptions',
  'KafkaStart',
  'KafkaTls',
  'KafkaTopic',
  'KafkaUpsertSinkOptions',
  'KafkaUpsertSourceOptions',
  'OnBadKafkaRecord',
  'RecordHeader',
]

test('millrace/kafka exports the names listed here', async () => {
  expect(Object.keys(kafka).sort()).toEqual([
    'kafkaSink',
    'kafkaSource',
    'kafkaTopic',
    'kafkaUpsertSink',
    'kafkaUpsertSource',
  ])
  expect(await typesOf('../connectors/kafka/index.ts')).toEqual(KAFKA_TYPES)
})

const AWS_VALUES = [
  'eventTime',
  'firehoseSink',
  'kinesisHandler',
  'kinesisSink',
  'kinesisSource',
  'lambdaMap',
  's3Sink',
]

const AWS_TYPES = [
  'AtLeastOnceSink',
  'AwsConnection',
  'AwsCredentials',
  'BadKinesisRecord',
  'EventTime',
  'FirehoseSinkOptions',
  'GlueTable',
  'KinesisBatchResponse',
  'KinesisEnd',
  'KinesisEventRecord',
  'KinesisHandlerOptions',
  'KinesisRecord',
  'KinesisSinkOptions',
  'KinesisSourceOptions',
  'KinesisStart',
  'KinesisStreamEvent',
  'LambdaFailure',
  'LambdaMap',
  'LambdaMapOptions',
  'OnBadKinesisRecord',
  'OnLambdaFailure',
  'PartitionValue',
  'Partitions',
  'S3Compression',
  'S3ObjectSettings',
  'S3SinkOptions',
]

test('millrace/aws exports the names listed here', async () => {
  expect(Object.keys(aws).sort()).toEqual(AWS_VALUES)
  expect(await typesOf('../connectors/aws/index.ts')).toEqual(AWS_TYPES)
})

test('millrace/state exports the names listed here', async () => {
  expect(Object.keys(state).sort()).toEqual(STATE_VALUES)
  expect(await typesOf('../state/index.ts')).toEqual(STATE_TYPES)
})

const FORMATS_VALUES = [
  'BadMessageError',
  'avro',
  'avroFile',
  'float64',
  'int32',
  'int64',
  'parquet',
  'protobuf',
  'schemaRegistry',
]

const FORMATS_TYPES = [
  'AvroCompression',
  'AvroFileOptions',
  'AvroFormatOptions',
  'AvroLongs',
  'AvroSchema',
  'MessageContext',
  'MessageFormat',
  'MessageReader',
  'MessageWriter',
  'ParquetColumn',
  'ParquetCompression',
  'ParquetDecimal',
  'ParquetFormatOptions',
  'ParquetList',
  'ParquetMap',
  'ParquetPrimitive',
  'ParquetRecord',
  'ParquetSchema',
  'ParquetStruct',
  'ProtobufFormatOptions',
  'SchemaRegistry',
  'SchemaRegistryOptions',
  'SubjectNaming',
]

test('millrace/formats exports the names listed here', async () => {
  expect(Object.keys(formats).sort()).toEqual(FORMATS_VALUES)
  expect(await typesOf('../connectors/formats/index.ts')).toEqual(FORMATS_TYPES)
})

test('millrace/testing exports the names listed here', async () => {
  expect(Object.keys(kit).sort()).toEqual(KIT_VALUES)
  expect(await typesOf('../testing/index.ts')).toEqual(KIT_TYPES)
})

test('index.ts is a list of names and nothing else, of 180 lines at most', async () => {
  const source = await readFile(new URL('../index.ts', import.meta.url), 'utf8')
  expect(source.split('\n').length - 1).toBeLessThanOrEqual(180)
  const rest = source
    .replaceAll(/export (type )?\{[^}]*\} from '\.\/(operators|runtime|connectors)\/[^']*'/g, '')
    .replaceAll(/^\/(\/|\*\*) .*$/gm, '')
  expect(rest.trim()).toBe('')
})
