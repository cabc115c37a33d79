import type { DataStream } from 'millrace'
import type { Auction, Bid, NexmarkEvent, Person } from './model.ts'

/** The bids among the events. */
export const bidsOf = (events: DataStream<NexmarkEvent>): DataStream<Bid> =>
  events.filter((event) => event.kind === 'bid')

/** What the joins with auctions need of a bid. */
export type Offer = Pick<Bid, 'auction' | 'bidder' | 'price' | 'ts'>

/** The bids among the events, with what joins need of them. */
export const offersOf = (events: DataStream<NexmarkEvent>): DataStream<Offer> =>
  bidsOf(events).map(({ auction, bidder, price, ts }) => ({ auction, bidder, price, ts }))

/** The auctions among the events. */
export const auctionsOf = (events: DataStream<NexmarkEvent>): DataStream<Auction> =>
  events.filter((event) => event.kind === 'auction')

/** The persons among the events. */
export const personsOf = (events: DataStream<NexmarkEvent>): DataStream<Person> =>
  events.filter((event) => event.kind === 'person')
