import type { Loop } from '../loop.ts'

/** Auctions are closed together that expire within the same so many ms. */
const CLOSE_EVERY_MS = 128

/** An auction that is open, with its best bid so far; the price is −1 before the first. */
export interface OpenAuction {
  readonly id: number
  readonly seller: number
  readonly category: number
  readonly ts: number
  readonly expires: number
  bidder: number
  price: number
  bidTs: number
}

interface EarlyBid {
  readonly bidder: number
  readonly price: number
  readonly ts: number
}

/**
 * What q4 and q9 have in common: closes each auction some time after it has expired, with the highest bid within
 * [timestamp, expires], of equal ones the earliest, then that of the lowest bidder. Auctions without one are left out.
 */
export function winningBids(onClosed: (auction: OpenAuction) => void): Loop {
  const open = new Map<number, OpenAuction>()
  /** Bids for auctions that are not there yet. */
  const early = new Map<number, EarlyBid[]>()
  /** Open auctions by the time at which they expire, in units of `CLOSE_EVERY_MS`. */
  const expiring = new Map<number, OpenAuction[]>()
  let newestAuction = -1
  let unit = 0
  let unitEnd = -Infinity

  const close = (auctions: readonly OpenAuction[]): void => {
    for (const auction of auctions) {
      open.delete(auction.id)
      if (auction.price >= 0) onClosed(auction)
    }
  }
  const advance = (ts: number): void => {
    const now = Math.floor(ts / CLOSE_EVERY_MS)
    const from = unitEnd === -Infinity ? now : unit
    for (unit = from; unit < now; unit++) {
      const due = expiring.get(unit)
      if (due === undefined) continue
      expiring.delete(unit)
      close(due)
    }
    unitEnd = (now + 1) * CLOSE_EVERY_MS
  }
  const add = (auction: OpenAuction): void => {
    newestAuction = auction.id
    open.set(auction.id, auction)
    const due = Math.floor(auction.expires / CLOSE_EVERY_MS)
    const others = expiring.get(due)
    if (others === undefined) expiring.set(due, [auction])
    else others.push(auction)
    const bids = early.get(auction.id)
    if (bids === undefined) return
    early.delete(auction.id)
    for (const { bidder, price, ts } of bids) improve(auction, bidder, price, ts)
  }
  return {
    read(events, { ms, persons, auctions }) {
      for (const event of events) {
        const ts = event.ts + ms
        if (ts >= unitEnd) advance(ts)
        if (event.kind === 'bid') {
          const id = event.auction + auctions
          const bidder = event.bidder + persons
          const auction = open.get(id)
          if (auction !== undefined) improve(auction, bidder, event.price, ts)
          else if (id > newestAuction) {
            const bid = { bidder, price: event.price, ts }
            const others = early.get(id)
            if (others === undefined) early.set(id, [bid])
            else others.push(bid)
          }
        } else if (event.kind === 'auction') {
          add({
            id: event.id + auctions,
            seller: event.seller + persons,
            category: event.category,
            ts,
            expires: event.expires + ms,
            bidder: 0,
            price: -1,
            bidTs: 0,
          })
        }
      }
    },
    end() {
      for (const auctions of expiring.values()) close(auctions)
    },
  }
}

function improve(auction: OpenAuction, bidder: number, price: number, ts: number): void {
  if (price < auction.price || ts < auction.ts || ts > auction.expires) return
  if (price === auction.price) {
    if (ts > auction.bidTs || (ts === auction.bidTs && bidder >= auction.bidder)) return
  }
  auction.price = price
  auction.bidder = bidder
  auction.bidTs = ts
}
