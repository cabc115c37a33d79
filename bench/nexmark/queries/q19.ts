import { type Out, processFunction, valueState } from 'millrace'
import { bidsOf } from '../events.ts'
import type { Query } from '../query.ts'

interface Priced {
  readonly auction: number
  readonly price: number
}

interface Row {
  readonly auction: number
  readonly price: number
  readonly rank_number: number
}

const RANKS = 10

/** The ten highest bids on each auction: a row for each rank that a bid changes. */
export const query: Query<Row> = (events) =>
  bidsOf(events)
    .map(({ auction, price }) => ({ auction, price }))
    .keyBy((bid) => bid.auction)
    .process(ranks(), { uid: 'ranks' })

const ranks = () =>
  processFunction({
    state: { prices: valueState<number[]>() },

    processElement({ auction, price }: Priced, ctx, out: Out<Row>) {
      const prices = ctx.state.prices.value() ?? []
      let rank = prices.length
      while (rank > 0 && prices[rank - 1]! < price) rank--
      if (rank === RANKS) return
      // In place, which is allowed as it is stored again at once (R16), and never emitted itself.
      prices.splice(rank, 0, price)
      if (prices.length > RANKS) prices.pop()
      ctx.state.prices.update(prices)
      for (; rank < prices.length; rank++) {
        out.emit({ auction, price: prices[rank]!, rank_number: rank + 1 })
      }
    },
  })
