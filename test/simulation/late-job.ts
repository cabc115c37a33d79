import {
  type CollectionMarker,
  collectionSource,
  pause,
} from '../../connectors/collection-source.ts'
import { collectionSink } from '../../connectors/collection-sink.ts'
import type { Out } from '../../operators/collector.ts'
import { job } from '../../operators/job.ts'
import { outputTag } from '../../operators/output-tag.ts'
import { processFunction } from '../../operators/process.ts'
import { boundedOutOfOrderness } from '../../operators/watermarks.ts'
import { tumblingEventTimeWindows } from '../../operators/window/tumbling-windows.ts'
import type { Random } from '../../runtime/clock.ts'
import type { JobModule } from '../../runtime/job/job-module.ts'
import { bucketEnd, bucketRow, windowRow, windowSum } from './functions.ts'
import { below, EPOCH, type Row } from './rows.ts'

const SIZE_MS = 50
const BOUND_MS = 10
const LATE = outputTag<Row>('late')

/** Rows in batches; between two of them time passes, so that the watermark of a batch is known before the next. */
export type Batches = readonly (readonly Row[])[]

/**
 * Late rows whose lateness does not depend on when watermarks are generated: each row of a batch belongs to a window that
 * was over before the batch, or that stays open until its end.
 */
export function randomBatches(random: Random): Batches {
  const batches: Row[][] = []
  let highest = EPOCH
  for (let batch = 0; batch < 2 + below(random, 5); batch++) {
    const closed = highest - BOUND_MS - 1
    const rows: Row[] = []
    const count = 3 + below(random, 15)
    while (rows.length < count) {
      const t = highest - 150 + below(random, 200)
      const end = bucketEnd(t, SIZE_MS)
      const isLate = batch > 0 && end - 1 <= closed
      if (!isLate && end - 1 <= highest - BOUND_MS - 1) continue
      const id = `${batch}.${rows.length}`
      rows.push({ id, key: `k${below(random, 5)}`, n: below(random, 100), t })
      highest = Math.max(highest, t)
    }
    batches.push(rows)
  }
  return batches
}

/** What is in time, summed by window, and the ids of what is late: by plain arrays. */
export function expectedOfBatches(batches: Batches): { windows: Row[]; late: Row[] } {
  const windows = new Map<string, Row>()
  const late: Row[] = []
  let watermark = -Infinity
  for (const rows of batches) {
    for (const row of rows) {
      const end = bucketEnd(row.t, SIZE_MS)
      if (end - 1 <= watermark) {
        late.push(row)
        continue
      }
      const name = `${row.key}@${end}`
      windows.set(name, bucketRow('windows', row.key, end, (windows.get(name)?.n ?? 0) + row.n))
    }
    const highest = Math.max(...rows.map(({ t }) => t))
    watermark = Math.max(watermark, highest - BOUND_MS - 1)
  }
  return { windows: [...windows.values()], late }
}

/**
 * Windows that drop what is late, and beside them a function that tells what that is. Whatever the parallelism of the source, one
 * of its subtasks has all there is to read.
 */
export function lateJob(
  name: string,
  batches: Batches,
  { parallelism, sourceParallelism }: { parallelism: number; sourceParallelism: number },
): JobModule {
  // Two, as a pause does not go on after a restore: with the second one time has come as far as it should.
  const values = batches.flatMap((rows): (Row | CollectionMarker)[] => [
    ...rows,
    pause(100),
    pause(100),
  ])
  return job(name, {}, (env) => {
    const keyed = env
      .fromSource(collectionSource<Row>(values), {
        uid: 'rows',
        parallelism: sourceParallelism,
        watermarks: boundedOutOfOrderness(BOUND_MS, (row) => row.t),
      })
      .keyBy((row) => row.key)
    keyed
      .window(tumblingEventTimeWindows(SIZE_MS))
      .aggregate(windowSum, windowRow('windows'), { uid: 'windows', parallelism })
      .sinkTo(collectionSink(), { uid: 'in-time', parallelism })
    keyed
      .process(
        processFunction({
          processElement(row: Row, ctx, _out: Out<Row>) {
            const isLate = bucketEnd(row.t, SIZE_MS) - 1 <= ctx.timers.currentWatermark
            if (isLate) ctx.output(LATE, row)
          },
        }),
        { uid: 'lateness', parallelism },
      )
      .getSideOutput(LATE)
      .sinkTo(collectionSink(), { uid: 'late', parallelism: 1 })
  })
}
