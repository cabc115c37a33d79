import type { LoopFactory } from '../loop.ts'

interface Wanted {
  readonly seller: number
  readonly expires: number
}

export const q20: LoopFactory = (emit) => {
  const wanted = new Map<number, Wanted>()
  /** Bids for auctions that are not there yet. */
  const early = new Map<number, { bidder: number; price: number; ts: number }[]>()
  let newestAuction = -1
  return {
    read(events, { ms, persons, auctions }) {
      for (const event of events) {
        if (event.kind === 'bid') {
          const id = event.auction + auctions
          const bidder = event.bidder + persons
          const auction = wanted.get(id)
          if (auction !== undefined) {
            emit(id, bidder, event.price, event.ts + ms, auction.seller, auction.expires)
          } else if (id > newestAuction) {
            const bid = { bidder, price: event.price, ts: event.ts + ms }
            const others = early.get(id)
            if (others === undefined) early.set(id, [bid])
            else others.push(bid)
          }
        } else if (event.kind === 'auction') {
          newestAuction = event.id + auctions
          const seller = event.seller + persons
          const expires = event.expires + ms
          const bids = early.get(newestAuction)
          if (bids !== undefined) early.delete(newestAuction)
          if (event.category !== 10) continue
          wanted.set(newestAuction, { seller, expires })
          for (const { bidder, price, ts } of bids ?? []) {
            emit(newestAuction, bidder, price, ts, seller, expires)
          }
        }
      }
    },
    end() {},
  }
}
