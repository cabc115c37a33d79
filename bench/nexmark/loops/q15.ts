import type { LoopFactory } from '../loop.ts'

const DAY_MS = 86_400_000

/** Bids, bidders or auctions: all of them, and those of each of three price ranges. */
type Four = [number, number, number, number]
/** In which ranges somebody or something was seen, a bit each. */
type Seen = Map<number, { ranges: number }>

export const q15: LoopFactory = (emit) => {
  let dayEnd = -Infinity
  let bids: Four = [0, 0, 0, 0]
  let bidders: Four = [0, 0, 0, 0]
  let auctions: Four = [0, 0, 0, 0]
  let seenBidders: Seen = new Map()
  let seenAuctions: Seen = new Map()
  const endDay = (): void => {
    if (bids[0] > 0) emit(...bids, ...bidders, ...auctions)
    bids = [0, 0, 0, 0]
    bidders = [0, 0, 0, 0]
    auctions = [0, 0, 0, 0]
    seenBidders = new Map()
    seenAuctions = new Map()
  }
  return {
    read(events, shift) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const ts = event.ts + shift.ms
        if (ts >= dayEnd) {
          endDay()
          dayEnd = ts - (ts % DAY_MS) + DAY_MS
        }
        const range = event.price < 10_000 ? 1 : event.price < 1_000_000 ? 2 : 3
        bids[0]++
        bids[range]++
        see(seenBidders, event.bidder + shift.persons, range, bidders)
        see(seenAuctions, event.auction + shift.auctions, range, auctions)
      }
    },
    end: endDay,
  }
}

function see(seen: Seen, id: number, range: 1 | 2 | 3, distinct: Four): void {
  const bit = 1 << range
  const known = seen.get(id)
  if (known === undefined) {
    seen.set(id, { ranges: bit })
    distinct[0]++
    distinct[range]++
  } else if ((known.ranges & bit) === 0) {
    known.ranges |= bit
    distinct[range]++
  }
}
