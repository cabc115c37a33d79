import type { LoopFactory } from '../loop.ts'

interface Statistics {
  low: number
  middle: number
  high: number
  min: number
  max: number
  sum: number
}

const DAY_MS = 86_400_000

export const q17: LoopFactory = (emit) => {
  let dayEnd = -Infinity
  let byAuction = new Map<number, Statistics>()
  const endDay = (): void => {
    for (const [auction, { low, middle, high, min, max, sum }] of byAuction) {
      const bids = low + middle + high
      emit(auction, bids, low, middle, high, min, max, Math.floor(sum / bids), sum)
    }
    byAuction = new Map()
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
    end: endDay,
  }
}
