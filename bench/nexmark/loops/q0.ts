import type { LoopFactory } from '../loop.ts'

export const q0: LoopFactory = (emit) => ({
  read(events, { ms, persons, auctions }) {
    for (const event of events) {
      if (event.kind !== 'bid') continue
      emit(event.auction + auctions, event.bidder + persons, event.price, event.ts + ms)
    }
  },
  end() {},
})
