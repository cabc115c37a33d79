import type { DataStream } from 'millrace'
import type { Auction, Bid, NexmarkEvent, Person } from './model.ts'

/** The bids among the events. */
export const bidsOf = (events: DataStream<NexmarkEvent>): DataStream<Bid> =>
  events.filter((event) => event.kind === 'bid')

/** The auctions among the events. */
export const auctionsOf = (events: DataStream<NexmarkEvent>): DataStream<Auction> =>
  events.filter((event) => event.kind === 'auction')

/** The persons among the events. */
export const personsOf = (events: DataStream<NexmarkEvent>): DataStream<Person> =>
  events.filter((event) => event.kind === 'person')
