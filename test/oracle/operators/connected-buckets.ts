import type { Out } from '../../../operators/collector.ts'
import { coProcessFunction } from '../../../operators/co-process.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { Random } from '../../../runtime/clock.ts'
import { mapState } from '../../../runtime/state/state.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'
import { randomSpan, type RandomStream } from '../random-stream.ts'

interface Params {
  readonly sizeMs: number
}

const LATE = outputTag<Event>('late')

/** Counts and sums of both inputs, by input. */
type Bucket = readonly [leftCount: number, leftSum: number, rightCount: number, rightSum: number]

/** `connect` with map state and timers that both inputs share: what each key has in each bucket of event time. */
export const connectedBuckets: OracleOperator<Params> = {
  name: 'connected-buckets',
  inputs: 2,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: true,

  draw: (random: Random, stream: RandomStream) => ({
    sizeMs: randomSpan(random, stream, stream.spanMs),
  }),

  build({ first, second, keyOf }, { sizeMs }, options) {
    const main = first.keyBy(keyOf).connect(second.keyBy(keyOf)).process(buckets(sizeMs), options)
    return { main, late: LATE }
  },

  late: ({ sizeMs }) => `${endOf(sizeMs)} - 1 <= watermark`,

  expected: async ({ table }, { sizeMs }) => ({
    rows: await table.rows(`
      select key, ${endOf(sizeMs)} as bucket, count(*) filter (side = 0), coalesce(sum(n) filter (side = 0), 0)::bigint,
        count(*) filter (side = 1), coalesce(sum(n) filter (side = 1), 0)::bigint, bucket - 1
      from in_time group by key, bucket order by bucket`),
  }),
}

function endOf(sizeMs: number): string {
  return `(floor(t::double / ${sizeMs})::bigint * ${sizeMs} + ${sizeMs})`
}

function buckets(sizeMs: number) {
  return coProcessFunction({
    state: { buckets: mapState<number, Bucket>() },
    processElement1(event: Event, ctx, _out: Out<Row>) {
      const end = bucketEnd(event.t, sizeMs)
      if (end - 1 <= ctx.timers.currentWatermark) return ctx.output(LATE, event)
      const [count, sum, ...right] = ctx.state.buckets.get(end) ?? [0, 0, 0, 0]
      ctx.state.buckets.put(end, [count + 1, sum + event.n, ...right])
      ctx.timers.registerEventTime(end - 1)
    },
    processElement2(event: Event, ctx, _out: Out<Row>) {
      const end = bucketEnd(event.t, sizeMs)
      if (end - 1 <= ctx.timers.currentWatermark) return ctx.output(LATE, event)
      const [count, sum, rightCount, rightSum] = ctx.state.buckets.get(end) ?? [0, 0, 0, 0]
      ctx.state.buckets.put(end, [count, sum, rightCount + 1, rightSum + event.n])
      ctx.timers.registerEventTime(end - 1)
    },
    onTimer(timestamp, ctx, out) {
      const bucket = ctx.state.buckets.get(timestamp + 1)
      if (bucket === undefined) throw new Error(`a timer fires at ${timestamp} for no bucket`)
      ctx.state.buckets.remove(timestamp + 1)
      out.emit([keyText(ctx.key), timestamp + 1, ...bucket])
    },
  })
}

function bucketEnd(t: number, sizeMs: number): number {
  return Math.floor(t / sizeMs) * sizeMs + sizeMs
}
