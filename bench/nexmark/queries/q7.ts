import { tumblingEventTimeWindows } from 'millrace'
import { bidsOf } from '../events.ts'
import { highest } from '../highest.ts'
import type { Query } from '../query.ts'

interface Dear {
  readonly auction: number
  readonly price: number
  readonly bidder: number
  readonly ts: number
}

interface Row extends Dear {
  readonly window_start: number
}

const WINDOW = '10s'
const SHARES = 64

/** The highest bids of every ten seconds: first those of each of many shares, so that every subtask has work, then of all. */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .map(({ auction, price, bidder, ts }) => ({ auction, price, bidder, ts }))
    .keyBy((bid) => bid.price % SHARES)
    .window(tumblingEventTimeWindows(WINDOW))
    .aggregate(
      highest((bid: Dear) => bid.price),
      (bids, _ctx, out) => bids.forEach((bid) => out.emit(bid)),
      { uid: 'highest-of-share' },
    )
    .windowAll(tumblingEventTimeWindows(WINDOW))
    .aggregate(
      highest((bid: Dear) => bid.price),
      (bids, ctx, out) => {
        const window_start = ctx.window.start
        for (const bid of bids) out.emit({ ...bid, window_start })
      },
      { uid: 'highest' },
    )
