import { coProcessFunction, listState, type Out, valueState } from 'millrace'
import { auctionsOf, type Offer, offersOf } from '../events.ts'
import type { Query } from '../query.ts'

interface Sale {
  readonly id: number
  readonly seller: number
  readonly category: number
  readonly ts: number
  readonly expires: number
}

export interface WinningBid {
  readonly id: number
  readonly seller: number
  readonly category: number
  readonly auction_ts: number
  readonly expires: number
  readonly bidder: number
  readonly price: number
  readonly bid_ts: number
}

/** Below every price: what an auction has before its first bid. */
const NO_BID = -1

/** The winning bid of each auction, when it expires: the highest within its time, of equal ones the earliest. */
export const query: Query<WinningBid> = (events) => {
  const sales = auctionsOf(events).map(({ id, seller, category, ts, expires }) => ({
    id,
    seller,
    category,
    ts,
    expires,
  }))
  return sales
    .keyBy((sale) => sale.id)
    .connect(offersOf(events).keyBy((offer) => offer.auction))
    .process(winningBids(), { uid: 'winning-bids' })
}

/** There is one auction of an id, so bids are kept only until it has come. One that has expired stays: it knows late bids. */
const winningBids = () =>
  coProcessFunction({
    state: { best: valueState<WinningBid>(), early: listState<Offer>() },

    processElement1(sale: Sale, ctx) {
      const { best, early } = ctx.state
      const { id, seller, category, ts, expires } = sale
      const none = { id, seller, category, auction_ts: ts, expires }
      best.update(early.get().reduce(better, { ...none, bidder: 0, price: NO_BID, bid_ts: 0 }))
      early.clear()
      ctx.timers.registerEventTime(expires)
    },

    processElement2(offer: Offer, ctx) {
      const { best, early } = ctx.state
      const before = best.value()
      if (before === undefined) early.add(offer)
      else {
        const after = better(before, offer)
        if (after !== before) best.update(after)
      }
    },

    onTimer(_expires, ctx, out: Out<WinningBid>) {
      const won = ctx.state.best.value()!
      if (won.price !== NO_BID) out.emit(won)
    },
  })

/** The bid that wins of the best one so far and another: the higher, then the earlier, then that of the lower bidder. */
function better(best: WinningBid, { bidder, price, ts }: Offer): WinningBid {
  if (ts < best.auction_ts || ts > best.expires || price < best.price) return best
  const isBetter =
    price > best.price || ts < best.bid_ts || (ts === best.bid_ts && bidder < best.bidder)
  return isBetter ? { ...best, bidder, price, bid_ts: ts } : best
}
