/** The job of the latency benchmark: a running count of bids for each auction, each row as soon as its bid has been counted. */
import {
  job,
  noRestart,
  noWatermarks,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import type { NexmarkEvent } from '../nexmark/model.ts'
import { eventsOf } from '../nexmark/replay.ts'
import { bidsOf } from '../nexmark/events.ts'
import { report } from '../nexmark/report.ts'
import { pacedSource } from '../paced-source.ts'
import { latencySink } from './latency-sink.ts'

interface Counted {
  readonly auction: number
  readonly bids: number
}

const counts = processFunction({
  state: { bids: valueState<number>() },
  processElement(auction: number, ctx, out: Out<Counted>) {
    const bids = (ctx.state.bids.value() ?? 0) + 1
    ctx.state.bids.update(bids)
    out.emit({ auction, bids })
  },
})

export default job(
  'latency',
  {
    params: {
      events: param.number(
        1_000_000,
        'Events that are made before the clock starts, gone round again and again',
      ),
      rate: param.number(50_000, 'Events a second'),
      seconds: param.number(30, 'How long'),
      warmupSeconds: param.number(10, 'How much of it does not count'),
      out: param.string('.', 'Folder for the histograms'),
    },
    restart: noRestart(),
  },
  (env, { events, rate, seconds, warmupSeconds, out }) => {
    // The source and the sink of a thread share it; records come behind it, as the schedule begins a moment later.
    let from = Infinity
    const source = pacedSource<NexmarkEvent>({
      rate,
      count: () => rate * seconds,
      prepare: (partition, partitions) => {
        const pool = eventsOf({ events }, partition, partitions)
        return (ordinal) => pool[ordinal % pool.length]!
      },
      onSchedule: (startAt) => (from = startAt + warmupSeconds * 1_000),
      onEvent: (type, log) => {
        if (type === 'first') log(report('first'))
      },
    })
    bidsOf(env.fromSource(source, { uid: 'events', watermarks: noWatermarks() }))
      .map((bid) => bid.auction)
      .keyBy((auction) => auction)
      .process(counts, { uid: 'counts' })
      .sinkTo(latencySink({ directory: out, from: () => from }), {
        uid: 'latencies',
      })
  },
)
