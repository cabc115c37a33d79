import type { LoopFactory } from '../loop.ts'
import { winningBids } from './winning-bids.ts'

export const q9: LoopFactory = (emit) =>
  winningBids(({ id, seller, category, ts, expires, bidder, price, bidTs }) =>
    emit(id, seller, category, ts, expires, bidder, price, bidTs),
  )
