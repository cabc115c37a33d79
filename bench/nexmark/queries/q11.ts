import { count, eventTimeSessionWindows, type WindowFunction } from 'millrace'
import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'

interface Row {
  readonly bidder: number
  readonly bid_count: number
  readonly starttime: number
  readonly endtime: number
}

/** How often a bidder bids in each session: it lasts until there has been no bid for more than ten seconds. */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .map((bid) => bid.bidder)
    .keyBy((bidder) => bidder)
    .window(eventTimeSessionWindows('10s'))
    .aggregate(count(), session, { uid: 'sessions' })

const session: WindowFunction<number, Row, number> = (bid_count, { key, window }, out) =>
  out.emit({ bidder: key, bid_count, starttime: window.start, endtime: window.end })
