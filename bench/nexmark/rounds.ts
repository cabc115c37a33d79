import type { NexmarkEvent } from './model.ts'

/** By how much times and ids are higher in a round than in the first one. */
export interface Shift {
  readonly ms: number
  readonly persons: number
  readonly auctions: number
}

/** Rounds begin on whole ten seconds, with which all windows are aligned. */
export const EVENTS_PER_ROUND_STEP = 100_000

/**
 * The shift of a round, from 0, of a pool of so many events, a multiple of 50: the time that they span, and the persons and auctions among them.
 * Rounds touch each other through event time alone, but for the ids up to ten ahead at the end of a round: those are the first
 * ids of the next.
 */
export function shiftOf(round: number, pool: number): Shift {
  return {
    ms: (round * pool) / 10,
    persons: (round * pool) / 50,
    auctions: (round * pool * 3) / 50,
  }
}

/** A copy of an event with its times and ids shifted; it shares the texts. */
export function shifted(event: NexmarkEvent, { ms, persons, auctions }: Shift): NexmarkEvent {
  if (event.kind === 'bid') {
    return {
      kind: 'bid',
      ts: event.ts + ms,
      auction: event.auction + auctions,
      bidder: event.bidder + persons,
      price: event.price,
      extra: event.extra,
    }
  }
  if (event.kind === 'auction') {
    return {
      kind: 'auction',
      ts: event.ts + ms,
      id: event.id + auctions,
      itemName: event.itemName,
      description: event.description,
      initialBid: event.initialBid,
      reserve: event.reserve,
      expires: event.expires + ms,
      seller: event.seller + persons,
      category: event.category,
      extra: event.extra,
    }
  }
  return {
    kind: 'person',
    ts: event.ts + ms,
    id: event.id + persons,
    name: event.name,
    email: event.email,
    creditCard: event.creditCard,
    city: event.city,
    state: event.state,
    extra: event.extra,
  }
}
