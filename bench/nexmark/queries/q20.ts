import { coProcessFunction, listState, type Out, valueState } from 'millrace'
import { auctionsOf, type Offer, offersOf } from '../events.ts'
import type { Query } from '../query.ts'

const CATEGORY = 10

interface Sale {
  readonly id: number
  readonly seller: number
  readonly expires: number
  readonly isWanted: boolean
}

interface Row extends Offer {
  readonly seller: number
  readonly expires: number
}

/**
 * The bids on auctions of one category, with what is known of the auction; one may come any time after the other.
 *
 * Auctions of the other categories come too: so their bids need not be kept.
 */
export const query: Query<Row> = (events) => {
  const sales = auctionsOf(events).map(({ id, seller, expires, category }) => ({
    id,
    seller,
    expires,
    isWanted: category === CATEGORY,
  }))
  return sales
    .keyBy((sale) => sale.id)
    .connect(offersOf(events).keyBy((offer) => offer.auction))
    .process(offersOfSales(), { uid: 'offers-of-sales' })
}

/** There is one auction of an id, so bids are kept only until it has come. */
const offersOfSales = () =>
  coProcessFunction({
    state: { sale: valueState<Sale>(), waiting: listState<Offer>() },

    processElement1(sale: Sale, ctx, out: Out<Row>) {
      const { state } = ctx
      state.sale.update(sale)
      if (sale.isWanted) for (const offer of state.waiting.get()) out.emit(rowOf(offer, sale))
      state.waiting.clear()
    },

    processElement2(offer: Offer, ctx, out: Out<Row>) {
      const { state } = ctx
      const sale = state.sale.value()
      if (sale === undefined) state.waiting.add(offer)
      else if (sale.isWanted) out.emit(rowOf(offer, sale))
    },
  })

const rowOf = ({ auction, bidder, price, ts }: Offer, { seller, expires }: Sale): Row => ({
  auction,
  bidder,
  price,
  ts,
  seller,
  expires,
})
