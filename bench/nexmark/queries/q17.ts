import { type Out, processFunction, valueState } from 'millrace'
import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'
import { priceRange } from '../price-range.ts'

interface Priced {
  readonly auction: number
  readonly day: number
  readonly price: number
}

interface Row {
  readonly auction: number
  readonly total_bids: number
  readonly r1: number
  readonly r2: number
  readonly r3: number
  readonly mn: number
  readonly mx: number
  readonly avg_price: number
  readonly sum_price: number
}

const DAY_MS = 24 * 60 * 60 * 1_000

/** Statistics of the bids on each auction on each day: a new row with every bid. */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .map(({ auction, price, ts }) => ({ auction, day: Math.floor(ts / DAY_MS), price }))
    .keyBy((bid) => [bid.auction, bid.day])
    .process(statistics(), { uid: 'statistics' })

/** What is emitted is not changed any more: the state gets a new row each time. */
const statistics = () =>
  processFunction({
    state: { row: valueState<Row>() },

    processElement({ auction, day, price }: Priced, ctx, out: Out<Row>) {
      const { row } = ctx.state
      const before = row.value()
      if (before === undefined) ctx.timers.registerEventTime((day + 1) * DAY_MS - 1)
      const after = withBid(before ?? none(auction, price), price)
      row.update(after)
      out.emit(after)
    },

    onTimer(_endOfDay, ctx) {
      ctx.state.row.clear()
    },
  })

const none = (auction: number, price: number): Row => ({
  auction,
  total_bids: 0,
  r1: 0,
  r2: 0,
  r3: 0,
  mn: price,
  mx: price,
  avg_price: 0,
  sum_price: 0,
})

function withBid(row: Row, price: number): Row {
  const range = priceRange(price)
  const total_bids = row.total_bids + 1
  const sum_price = row.sum_price + price
  return {
    auction: row.auction,
    total_bids,
    r1: row.r1 + (range === 0 ? 1 : 0),
    r2: row.r2 + (range === 1 ? 1 : 0),
    r3: row.r3 + (range === 2 ? 1 : 0),
    mn: Math.min(row.mn, price),
    mx: Math.max(row.mx, price),
    avg_price: Math.floor(sum_price / total_bids),
    sum_price,
  }
}
