import type { LoopFactory } from '../loop.ts'

export const q2: LoopFactory = (emit) => ({
  read(events, { ms, auctions }) {
    for (const event of events) {
      if (event.kind !== 'bid') continue
      const auction = event.auction + auctions
      if (auction % 123 === 0) emit(auction, event.price, event.ts + ms)
    }
  },
  end() {},
})
