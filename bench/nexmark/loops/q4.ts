import type { LoopFactory } from '../loop.ts'
import { winningBids } from './winning-bids.ts'

export const q4: LoopFactory = (emit) => {
  const categories = new Map<number, { sum: number; auctions: number }>()
  const { read, end } = winningBids(({ category, price }) => {
    let figures = categories.get(category)
    if (figures === undefined) categories.set(category, (figures = { sum: 0, auctions: 0 }))
    figures.sum += price
    figures.auctions++
  })
  return {
    read,
    end() {
      end()
      for (const [category, { sum, auctions }] of categories) {
        emit(category, sum, auctions, Math.floor(sum / auctions))
      }
    },
  }
}
