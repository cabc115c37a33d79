import type { LoopFactory } from '../loop.ts'

const WINDOW_MS = 10_000

interface TopBid {
  readonly auction: number
  readonly bidder: number
  readonly ts: number
}

export const q7: LoopFactory = (emit) => {
  let windowEnd = -Infinity
  let highest = -1
  /** All of the highest price. */
  let bids: TopBid[] = []
  const endWindow = (): void => {
    for (const { auction, bidder, ts } of bids) {
      emit(auction, highest, bidder, ts, windowEnd - WINDOW_MS)
    }
    highest = -1
    bids = []
  }
  return {
    read(events, { ms, persons, auctions }) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const ts = event.ts + ms
        if (ts >= windowEnd) {
          endWindow()
          windowEnd = ts - (ts % WINDOW_MS) + WINDOW_MS
        }
        const { price } = event
        if (price < highest) continue
        if (price > highest) {
          highest = price
          bids = []
        }
        bids.push({ auction: event.auction + auctions, bidder: event.bidder + persons, ts })
      }
    },
    end: endWindow,
  }
}
