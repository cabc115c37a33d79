import { readFile } from 'node:fs/promises'
import * as millrace from 'millrace'
import * as kit from 'millrace/testing'
import { expect, test } from 'vitest'

/** Every public name; adding or removing one is a decision, and a line of the changelog. */
const VALUES = [
  'ERROR_CODES',
  'RestartableError',
  'StreamError',
  'aggregatingState',
  'boundedOutOfOrderness',
  'coProcessFunction',
  'collectionSink',
  'collectionSource',
  'continuousEventTimeTrigger',
  'continuousProcessingTimeTrigger',
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
  'exponentialDelayRestart',
  'failureRateRestart',
  'fileSink',
  'fileSource',
  'fixedDelayRestart',
  'globalWindows',
  'job',
  'json',
  'listState',
  'mapState',
  'monotonousTimestamps',
  'neverTrigger',
  'noRestart',
  'noWatermarks',
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
  'timeEvictor',
  'timeWindow',
  'tumblingEventTimeWindows',
  'tumblingProcessingTimeWindows',
  'valueState',
  'windowProcessFunction',
]

const TYPES = [
  'AggregateFunction',
  'AggregatingState',
  'AlignmentOptions',
  'AssignerContext',
  'BadRecord',
  'ChainingOptions',
  'CoElementFunction',
  'CoFlatMapFunction',
  'CoMapFunction',
  'CoProcessFunction',
  'ConnectedStreams',
  'CsvOptions',
  'CsvRecord',
  'CustomWatermarkOptions',
  'DataGeneratorOptions',
  'DataStream',
  'DeltaFunction',
  'Duration',
  'ElementContext',
  'ElementFunction',
  'ErrorCode',
  'Evictor',
  'EvictorOptions',
  'ExponentialDelayOptions',
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
  'JsonOptions',
  'Key',
  'KeyedConnectedStreams',
  'KeyedStream',
  'LateFiringOptions',
  'ListState',
  'MapFunction',
  'MapState',
  'MergingAggregateFunction',
  'MergingTrigger',
  'NoStates',
  'OnBadRecord',
  'OnError',
  'OperatorOptions',
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
  'ReduceFunction',
  'ReducingState',
  'RestartConfig',
  'RunJobOptions',
  'SessionGap',
  'Sink',
  'SlidingWindowOptions',
  'Source',
  'SourceOptions',
  'StateAggregator',
  'StateDescriptor',
  'StateOptions',
  'StateReducer',
  'StatefulOptions',
  'StreamEnvironment',
  'TimeWindow',
  'TimerContext',
  'TimerService',
  'TimestampFunction',
  'Trigger',
  'TriggerContext',
  'TriggerMergeContext',
  'TriggerResult',
  'TtlOptions',
  'TtlTimeDomain',
  'TumblingWindowOptions',
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
  'operatorHarness',
  'pause',
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

test('millrace/testing exports the names listed here', async () => {
  expect(Object.keys(kit).sort()).toEqual(KIT_VALUES)
  expect(await typesOf('../testing/index.ts')).toEqual(KIT_TYPES)
})

test('index.ts is a list of names and nothing else, of 160 lines at most', async () => {
  const source = await readFile(new URL('../index.ts', import.meta.url), 'utf8')
  expect(source.split('\n').length - 1).toBeLessThanOrEqual(160)
  const rest = source
    .replaceAll(/export (type )?\{[^}]*\} from '\.\/(operators|runtime|connectors)\/[^']*'/g, '')
    .replaceAll(/^\/(\/|\*\*) .*$/gm, '')
  expect(rest.trim()).toBe('')
})
