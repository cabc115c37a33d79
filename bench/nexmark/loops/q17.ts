import type { LoopFactory } from '../loop.ts'

interface Statistics {
  low: number
  middle: number
  high: number
  min: number
  max: number
  sum: number
}

export const q17: LoopFactory = (emit) => {
  const byAuction = new Map<number, Statistics>()
  return {
    read(events, shift) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const auction = event.auction + shift.auctions
        const { price } = event
        let figures = byAuction.get(auction)
        if (figures === undefined) {
          figures = { low: 0, middle: 0, high: 0, min: price, max: price, sum: 0 }
          byAuction.set(auction, figures)
        }
        if (price < 10_000) figures.low++
        else if (price < 1_000_000) figures.middle++
        else figures.high++
        if (price < figures.min) figures.min = price
        if (price > figures.max) figures.max = price
        figures.sum += price
      }
    },
    end() {
      for (const [auction, { low, middle, high, min, max, sum }] of byAuction) {
        const bids = low + middle + high
        emit(auction, bids, low, middle, high, min, max, Math.floor(sum / bids), sum)
      }
    },
  }
}
