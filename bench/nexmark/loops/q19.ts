import type { LoopFactory } from '../loop.ts'

const BEST = 10

export const q19: LoopFactory = (emit) => {
  /** The highest prices of an auction, highest first. */
  const byAuction = new Map<number, number[]>()
  return {
    read(events, { auctions }) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const auction = event.auction + auctions
        const { price } = event
        const best = byAuction.get(auction)
        if (best === undefined) {
          byAuction.set(auction, [price])
          continue
        }
        let rank = best.length
        if (rank === BEST) {
          if (price <= best[BEST - 1]!) continue
          rank--
        }
        for (; rank > 0 && best[rank - 1]! < price; rank--) best[rank] = best[rank - 1]!
        best[rank] = price
      }
    },
    end() {
      for (const [auction, best] of byAuction) {
        for (let rank = 0; rank < best.length; rank++) emit(auction, best[rank]!, rank + 1)
      }
    },
  }
}
