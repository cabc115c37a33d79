import { collectionSink } from '../../connectors/collection-sink.ts'
import { job } from '../../operators/job.ts'
import type { StreamEnvironment } from '../../operators/environment.ts'
import type { DataStream } from '../../operators/streams.ts'
import type { AlignmentOptions } from '../../operators/watermark-options.ts'
import { boundedOutOfOrderness } from '../../operators/watermarks.ts'
import { tumblingEventTimeWindows } from '../../operators/window/tumbling-windows.ts'
import type { JobModule } from '../../runtime/job/job-module.ts'
import type { WatermarkStrategy } from '../../runtime/watermark-strategy.ts'
import {
  bucketsInList,
  bucketsInMap,
  bucketsInValue,
  bucketsOfBoth,
  flaky,
  lingering,
  ODD,
  running,
  splitting,
  windowRow,
  windowSum,
} from './functions.ts'
import { doubled } from './oracle.ts'
import {
  type GraphDescription,
  keyOf,
  type Spreading,
  type Step,
  type StepKind,
} from './random-graph.ts'
import { DISORDER_MS, type Row } from './rows.ts'
import { ReadingOrder } from './reading-order.ts'
import { splitsSource } from './splits-source.ts'

/** The job that a description stands for, its sources aligned if asked for. */
export function buildJob(
  name: string,
  graph: GraphDescription,
  alignment?: AlignmentOptions,
): JobModule {
  return job(name, {}, (env) => {
    const streams: DataStream<Row>[] = []
    const watermarks = boundedOutOfOrderness(
      2 * DISORDER_MS,
      (row: Row) => row.t,
      alignment && { alignment },
    )
    const order = new ReadingOrder(graph)
    for (const step of graph.steps) {
      const stream = streamOf(step, { env, watermarks }, streams)
      streams.push(stream)
      if (order.isKept(step)) stream.map((row) => order.check(step.uid, row))
    }
    for (const { uid, from, parallelism } of graph.sinks) {
      streams[from]!.sinkTo(collectionSink<Row>(), { uid, parallelism })
    }
  })
}

function streamOf(
  step: Step,
  { env, watermarks }: { env: StreamEnvironment; watermarks: WatermarkStrategy<Row> },
  streams: readonly DataStream<Row>[],
): DataStream<Row> {
  const { kind, uid, parallelism } = step
  const options = { uid, parallelism }
  const input = streams[step.from]!
  switch (kind.type) {
    case 'source':
      return env.fromSource(splitsSource(kind.options), {
        ...options,
        watermarks,
        ...(kind.readFirst === true ? { readFirst: true } : {}),
      })
    case 'map':
      return input.map((row) => ({ ...row, n: row.n + kind.add }), options)
    case 'filter':
      return input.filter((row) => row.n % kind.mod !== 0, options)
    case 'flat-map':
      return input.flatMap(doubled, options)
    case 'union':
      return input.union(streams[kind.other]!)
    case 'spread':
      return spread(input, kind.by).map((row) => row, options)
    case 'connect':
      return input
        .connect(streams[kind.other]!)
        .map({ map1: (row) => row, map2: (row) => ({ ...row, n: row.n + 1 }) }, options)
    case 'both':
      return input
        .keyBy((row) => row.key)
        .connect(streams[kind.other]!.keyBy((row) => row.key))
        .process(bucketsOfBoth(uid, kind.size), options)
    case 'side':
      if (kind.of === 'side') return input.getSideOutput(ODD)
      return input.keyBy((row) => row.key).process(splitting(), options)
    default:
      return keyedStreamOf(kind, input, options)
  }
}

function spread(input: DataStream<Row>, by: Spreading): DataStream<Row> {
  if (by === 'custom') return input.partitionCustom((row, partitions) => row.n % partitions)
  return input[by]()
}

function keyedStreamOf(
  kind: Extract<StepKind, { type: 'flaky' | 'linger' | 'running' | 'buckets' }>,
  input: DataStream<Row>,
  options: { readonly uid: string; readonly parallelism: number },
): DataStream<Row> {
  const { uid } = options
  if (kind.type !== 'buckets') {
    const keyed = input.keyBy((row) => row.key)
    if (kind.type === 'flaky') return keyed.process(flaky(kind.id), options)
    if (kind.type === 'linger') return keyed.process(lingering(kind.delayMs), options)
    if (kind.by === 'process') return keyed.process(running(), options)
    return keyed.reduce((sum, row) => ({ ...row, n: sum.n + row.n }), options)
  }
  const { size, by, keyKind } = kind
  const keyed = input.keyBy((row) => keyOf(keyKind, row))
  switch (by) {
    case 'map':
      return keyed.process(bucketsInMap(uid, size), options)
    case 'list':
      return keyed.process(bucketsInList(uid, size), options)
    case 'value':
      return keyed.process(bucketsInValue(uid, size), options)
    case 'window':
      return keyed
        .window(tumblingEventTimeWindows(size))
        .aggregate(windowSum, windowRow(uid), options)
  }
}
