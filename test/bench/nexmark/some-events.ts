import fc from 'fast-check'
import { type CollectionMarker, pause } from 'millrace/testing'
import type { Auction, Bid, NexmarkEvent, Person } from '../../../bench/nexmark/model.ts'

/** How far `someEvents` are out of order at most. */
export const DISORDER_MS = 5_000

/** Half a minute before a day begins, so that every run has two days. */
const BASE = Date.UTC(2015, 6, 15) - 30_000

/** Few moments, and what is next to them: ties, and the borders of windows, sessions and days, are common. */
const time: fc.Arbitrary<number> = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 9, 10, 12, 22, 29, 30, 33, 40, 51, 60),
    fc.constantFrom(0, 0, 0, -1, 1),
  )
  .map(([second, more]) => BASE + second * 1_000 + more)

const PEOPLE = 8
const AUCTIONS = 8

const person = (id: number): fc.Arbitrary<Person> =>
  fc.record({ ts: time, state: fc.constantFrom('OR', 'ID', 'CA', 'WA') }).map(({ ts, state }) => ({
    kind: 'person',
    ts,
    id,
    name: `name ${id}`,
    email: '',
    creditCard: '',
    city: `city ${id}`,
    state,
    extra: '',
  }))

/** Of eight two are multiples of 123, for q2. */
const idOfAuction = (index: number): number => (index % 4 === 0 ? 123 * (index + 1) : index)

const auction = (index: number): fc.Arbitrary<Auction> =>
  fc
    .record({
      ts: time,
      lasts: fc.constantFrom(0, 1, 1_000, 20_000, 40_000, 60_000),
      seller: fc.nat(PEOPLE - 1),
      category: fc.constantFrom(10, 10, 11),
    })
    .map(({ ts, lasts, seller, category }) => ({
      kind: 'auction',
      ts,
      id: idOfAuction(index),
      itemName: '',
      description: '',
      initialBid: 0,
      reserve: 0,
      expires: ts + lasts,
      seller,
      category,
      extra: '',
    }))

/** Few prices, at the borders of their ranges, the highest one often; some auctions are never opened. */
const bid: fc.Arbitrary<Bid> = fc
  .record({
    ts: time,
    auction: fc.nat(AUCTIONS + 1),
    bidder: fc.nat(8),
    price: fc.constantFrom(1, 9_999, 10_000, 999_999, 1_000_000, 1_000_001, 1_000_001, 1_000_001),
  })
  .map((one) => ({ kind: 'bid', ...one, auction: idOfAuction(one.auction), extra: '' }))

/** Events, and pauses in which watermarks come. */
export type Input = readonly (NexmarkEvent | CollectionMarker)[]

/** Every person and auction once and many bids, out of order by less than `DISORDER_MS`. */
export const someEvents: fc.Arbitrary<Input> = fc
  .tuple(
    fc.tuple(...Array.from({ length: PEOPLE }, (_, id) => person(id))),
    fc.tuple(...Array.from({ length: AUCTIONS }, (_, index) => auction(index))),
    fc.array(bid, { minLength: 60, maxLength: 100, size: 'max' }),
  )
  .chain(([persons, auctions, bids]) => {
    const events: NexmarkEvent[] = [...persons, ...auctions, ...bids]
    const place = fc.record({ delay: fc.nat(DISORDER_MS - 1), pauses: fc.nat(9) })
    return fc
      .array(place, { minLength: events.length, maxLength: events.length, size: 'max' })
      .map((places) =>
        events
          .map((event, index) => ({ event, ...places[index]! }))
          .sort((a, b) => a.event.ts + a.delay - (b.event.ts + b.delay))
          .flatMap(({ event, pauses }) => (pauses === 0 ? [event, pause(30)] : [event])),
      )
  })

/** The events without the pauses. */
export const eventsOf = (input: Input): NexmarkEvent[] =>
  input.filter((one): one is NexmarkEvent => 'kind' in one)
