import { readFile } from 'node:fs/promises'
import * as millrace from 'millrace'
import { expect, test } from 'vitest'

/** Every public name; adding or removing one is a decision, and a line of the changelog. */
const VALUES = [
  'ERROR_CODES',
  'RestartableError',
  'StreamError',
  'boundedOutOfOrderness',
  'collectionSink',
  'collectionSource',
  'csv',
  'dataGeneratorSource',
  'exponentialDelayRestart',
  'failureRateRestart',
  'fileSink',
  'fileSource',
  'fixedDelayRestart',
  'job',
  'json',
  'listState',
  'mapState',
  'monotonousTimestamps',
  'noRestart',
  'outputTag',
  'param',
  'printSink',
  'processFunction',
  'runJob',
  'tumblingEventTimeWindows',
  'valueState',
]

const TYPES = [
  'AggregateFunction',
  'BadRecord',
  'CsvOptions',
  'CsvRecord',
  'DataGeneratorOptions',
  'DataStream',
  'Duration',
  'ErrorCode',
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
  'JobEvent',
  'JobMetrics',
  'JobModule',
  'JobOptions',
  'JobResult',
  'JsonOptions',
  'Key',
  'KeyedStream',
  'ListState',
  'MapFunction',
  'MapState',
  'OnBadRecord',
  'OnError',
  'OperatorOptions',
  'Out',
  'OutputTag',
  'Param',
  'ParamFactory',
  'ParamValues',
  'PrintSinkOptions',
  'ProcessContext',
  'ProcessFunction',
  'ReduceFunction',
  'RestartConfig',
  'RunJobOptions',
  'SourceOptions',
  'StateOptions',
  'StatefulOptions',
  'StreamEnvironment',
  'TimeWindow',
  'TimerContext',
  'TimerService',
  'TimestampFunction',
  'TumblingWindowOptions',
  'ValueState',
  'WatermarkGenerator',
  'WatermarkOptions',
  'WatermarkStrategy',
  'WindowAssigner',
  'WindowContext',
  'WindowFunction',
  'WindowedStream',
]

test('the values that millrace exports are the ones listed here', () => {
  expect(Object.keys(millrace).sort()).toEqual(VALUES)
})

test('the types that millrace exports are the ones listed here', async () => {
  const source = await readFile(new URL('../index.ts', import.meta.url), 'utf8')
  const types: string[] = []
  for (const [, isType, list] of source.matchAll(/export (type )?\{([^}]*)\}/g)) {
    const names = list!.split(',').map((name) => name.trim())
    const typed = names.filter((name) => isType !== undefined || name.startsWith('type '))
    types.push(...typed.map((name) => name.replace(/^type /, '')).filter((name) => name !== ''))
  }
  expect(types.sort()).toEqual(TYPES)
})

test('index.ts is a list of names and nothing else, of 70 lines at most', async () => {
  const source = await readFile(new URL('../index.ts', import.meta.url), 'utf8')
  expect(source.split('\n').length - 1).toBeLessThanOrEqual(70)
  const rest = source
    .replaceAll(/export (type )?\{[^}]*\} from '\.\/(operators|runtime|connectors)\/[^']*'/g, '')
    .replaceAll(/^\/(\/|\*\*) .*$/gm, '')
  expect(rest.trim()).toBe('')
})
