import { type AggregateFunction, tumblingEventTimeWindows } from 'millrace'
import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'
import { priceRange } from '../price-range.ts'

interface Row {
  readonly total_bids: number
  readonly r1: number
  readonly r2: number
  readonly r3: number
  readonly tb: number
  readonly b1: number
  readonly b2: number
  readonly b3: number
  readonly ta: number
  readonly a1: number
  readonly a2: number
  readonly a3: number
}

const DAY = '1d'

/**
 * Bids, different bidders and different auctions of each day, in all and by range of price.
 *
 * One key for all would have to keep sets of millions; instead each bidder and each auction tells at the end of the day in which ranges
 * it has been, and an auction how often. Adding that up is little work.
 */
export const query: Query<Row> = (events) => {
  const bids = bidsOf(events)
  const bidders = bids
    .map(({ bidder, price }) => ({ id: bidder, range: priceRange(price) }))
    .keyBy((bid) => bid.id)
    .window(tumblingEventTimeWindows(DAY))
    .aggregate(rangesOfBidder, { uid: 'bidders' })
  const auctions = bids
    .map(({ auction, price }) => ({ id: auction, range: priceRange(price) }))
    .keyBy((bid) => bid.id)
    .window(tumblingEventTimeWindows(DAY))
    .aggregate(bidsOfAuction, { uid: 'auctions' })
  return bidders
    .union(auctions)
    .windowAll(tumblingEventTimeWindows(DAY))
    .aggregate(total, { uid: 'total' })
}

interface Ranged {
  readonly id: number
  readonly range: 0 | 1 | 2
}

const NOTHING: Row = {
  total_bids: 0,
  r1: 0,
  r2: 0,
  r3: 0,
  tb: 0,
  b1: 0,
  b2: 0,
  b3: 0,
  ta: 0,
  a1: 0,
  a2: 0,
  a3: 0,
}

/** The ranges as bits, so that most bids change nothing. */
const rangesOfBidder: AggregateFunction<Ranged, number, Row> = {
  create: () => 0,
  add: (seen, { range }) => seen | (1 << range),
  result: (seen) => ({ ...NOTHING, tb: 1, b1: seen & 1, b2: (seen >> 1) & 1, b3: seen >> 2 }),
}

type Counts = [r1: number, r2: number, r3: number]

const bidsOfAuction: AggregateFunction<Ranged, Counts, Row> = {
  create: () => [0, 0, 0],
  add: (counts, { range }) => {
    counts[range]++
    return counts
  },
  result: ([r1, r2, r3]) => ({
    ...NOTHING,
    total_bids: r1 + r2 + r3,
    r1,
    r2,
    r3,
    ta: 1,
    a1: Math.min(r1, 1),
    a2: Math.min(r2, 1),
    a3: Math.min(r3, 1),
  }),
}

const total: AggregateFunction<Row, Row, Row> = {
  create: () => NOTHING,
  add: (a, b) => ({
    total_bids: a.total_bids + b.total_bids,
    r1: a.r1 + b.r1,
    r2: a.r2 + b.r2,
    r3: a.r3 + b.r3,
    tb: a.tb + b.tb,
    b1: a.b1 + b.b1,
    b2: a.b2 + b.b2,
    b3: a.b3 + b.b3,
    ta: a.ta + b.ta,
    a1: a.a1 + b.a1,
    a2: a.a2 + b.a2,
    a3: a.a3 + b.a3,
  }),
  result: (all) => all,
}
