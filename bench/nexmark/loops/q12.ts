import type { LoopFactory } from '../loop.ts'

const WINDOW_MS = 10_000

export const q12: LoopFactory = (emit) => {
  let windowEnd = -Infinity
  let counts = new Map<number, { bids: number }>()
  const endWindow = (): void => {
    for (const [bidder, { bids }] of counts) emit(bidder, bids, windowEnd - WINDOW_MS)
    counts = new Map()
  }
  return {
    read(events, { ms, persons }) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const ts = event.ts + ms
        if (ts >= windowEnd) {
          endWindow()
          windowEnd = ts - (ts % WINDOW_MS) + WINDOW_MS
        }
        const bidder = event.bidder + persons
        const count = counts.get(bidder)
        if (count === undefined) counts.set(bidder, { bids: 1 })
        else count.bids++
      }
    },
    end: endWindow,
  }
}
