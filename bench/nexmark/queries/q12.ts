import { count, tumblingEventTimeWindows, type WindowFunction } from 'millrace'
import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'

interface Row {
  readonly bidder: number
  readonly bid_count: number
  readonly window_start: number
}

/** How often a bidder bids in every ten seconds. */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .map((bid) => bid.bidder)
    .keyBy((bidder) => bidder)
    .window(tumblingEventTimeWindows('10s'))
    .aggregate(count(), bidsOfBidder, { uid: 'bids-of-bidder' })

const bidsOfBidder: WindowFunction<number, Row, number> = (bid_count, { key, window }, out) =>
  out.emit({ bidder: key, bid_count, window_start: window.start })
