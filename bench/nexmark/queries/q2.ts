import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'

interface Row {
  readonly auction: number
  readonly price: number
  readonly ts: number
}

/** The bids on every 123rd auction. */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .filter((bid) => bid.auction % 123 === 0)
    .map(({ auction, price, ts }) => ({ auction, price, ts }))
