import { type Out, processFunction, valueState } from 'millrace'
import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'

interface Row {
  readonly bidder: number
  readonly auction: number
  readonly last_ts: number
}

/** The last bid of each bidder on each auction: a row with every bid that is the latest so far. */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .map(({ bidder, auction, ts }) => ({ bidder, auction, last_ts: ts }))
    .keyBy((bid) => [bid.bidder, bid.auction])
    .process(lastBid(), { uid: 'last-bid' })

const lastBid = () =>
  processFunction({
    state: { latest: valueState<number>() },

    processElement(bid: Row, ctx, out: Out<Row>) {
      const { latest } = ctx.state
      const before = latest.value()
      if (before !== undefined && bid.last_ts < before) return
      latest.update(bid.last_ts)
      out.emit(bid)
    },
  })
