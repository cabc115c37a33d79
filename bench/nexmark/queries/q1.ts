import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'

interface Row {
  readonly auction: number
  readonly bidder: number
  readonly price_milli_eur: number
  readonly ts: number
}

/** Every bid, in thousandths of a euro. */
export const query: Query<Row> = (events) =>
  bidsOf(events).map(({ auction, bidder, price, ts }) => ({
    auction,
    bidder,
    price_milli_eur: price * 908,
    ts,
  }))
