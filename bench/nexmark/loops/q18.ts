import type { LoopFactory } from '../loop.ts'

export const q18: LoopFactory = (emit) => {
  /** By auction and bidder, the time of the last bid. */
  const byAuction = new Map<number, Map<number, { ts: number }>>()
  return {
    read(events, { ms, persons, auctions }) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const auction = event.auction + auctions
        const bidder = event.bidder + persons
        let bidders = byAuction.get(auction)
        if (bidders === undefined) byAuction.set(auction, (bidders = new Map()))
        const last = bidders.get(bidder)
        if (last === undefined) bidders.set(bidder, { ts: event.ts + ms })
        else last.ts = event.ts + ms
      }
    },
    end() {
      for (const [auction, bidders] of byAuction) {
        for (const [bidder, { ts }] of bidders) emit(bidder, auction, ts)
      }
    },
  }
}
