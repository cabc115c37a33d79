import { collectionSink } from '../../connectors/collection-sink.ts'
import type { Out } from '../../operators/collector.ts'
import { job } from '../../operators/job.ts'
import { outputTag } from '../../operators/output-tag.ts'
import { processFunction, type ProcessFunction } from '../../operators/process.ts'
import { boundedOutOfOrderness } from '../../operators/watermarks.ts'
import type { Random } from '../../runtime/clock.ts'
import type { JobModule } from '../../runtime/job/job-module.ts'
import { mapState } from '../../runtime/state/state.ts'
import { bucketEnd, bucketRow } from './functions.ts'
import { pick, randomSplits, type Row } from './rows.ts'
import { splitsSource, type SplitsSourceOptions } from './splits-source.ts'

const SIZE_MS = 60
const LATE = outputTag<Row>('late')
const BUCKETS = outputTag<Row>('buckets')

/** A source that pauses for longer than its idleness timeout, so that time runs past what it reads afterwards. */
export function randomIdleSource(random: Random, name: string): SplitsSourceOptions {
  return {
    splits: randomSplits(random, name),
    assignEveryMs: pick(random, [0, 30]),
    fetchRows: pick(random, [2, 5]),
    fetchMs: pick(random, [40, 150]),
  }
}

/** Where late data is possible at parallelism above 1 there is no one right answer, but every row must be accounted for (R41). */
export function idleJob(
  name: string,
  sources: readonly SplitsSourceOptions[],
  parallelism: number,
): JobModule {
  return job(name, {}, (env) => {
    const streams = sources.map((options, index) =>
      env.fromSource(splitsSource(options), {
        uid: `source${index}`,
        parallelism,
        watermarks: boundedOutOfOrderness(5, (row: Row) => row.t, { idleTimeout: 20 }),
      }),
    )
    const sorted = streams[0]!
      .union(...streams.slice(1))
      .keyBy((row) => row.key)
      .process(sorting(), { uid: 'sorting', parallelism })
    sorted.sinkTo(collectionSink(), { uid: 'in-time', parallelism })
    sorted.getSideOutput(LATE).sinkTo(collectionSink(), { uid: 'late', parallelism })
    sorted.getSideOutput(BUCKETS).sinkTo(collectionSink(), { uid: 'buckets', parallelism })
  })
}

/** Tells late rows from those in time, and sums the latter by bucket. */
function sorting(): ProcessFunction<Row, Row> {
  return processFunction({
    state: { sums: mapState<number, number>() },
    processElement(row: Row, ctx, out: Out<Row>) {
      const end = bucketEnd(row.t, SIZE_MS)
      if (end - 1 <= ctx.timers.currentWatermark) {
        ctx.output(LATE, row)
        return
      }
      out.emit(row)
      ctx.state.sums.put(end, (ctx.state.sums.get(end) ?? 0) + row.n)
      ctx.timers.registerEventTime(end - 1)
    },
    onTimer(timestamp, ctx) {
      const sum = ctx.state.sums.get(timestamp + 1)
      if (sum === undefined) throw new Error(`a timer fires at ${timestamp} for no bucket`)
      ctx.state.sums.remove(timestamp + 1)
      ctx.output(BUCKETS, bucketRow('buckets', ctx.key, timestamp + 1, sum))
    },
  })
}

/** The buckets of the rows that were in time. */
export function expectedBuckets(inTime: readonly Row[]): Row[] {
  const rows = new Map<string, Row>()
  for (const row of inTime) {
    const end = bucketEnd(row.t, SIZE_MS)
    const name = `${row.key}@${end}`
    rows.set(name, bucketRow('buckets', row.key, end, (rows.get(name)?.n ?? 0) + row.n))
  }
  return [...rows.values()]
}
