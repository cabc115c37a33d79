import { ids, price, timestampOf } from './generator-ids.ts'
import { RandomText } from './generator-text.ts'
import { JavaRandom } from './java-random.ts'
import type { Auction, Bid, NexmarkEvent, Person } from './model.ts'

const IN_FLIGHT_EVENTS = Math.floor((100 * 50) / 3)
const FIRST_CATEGORY = 10
const CATEGORIES = 5

const random = new JavaRandom()
const text = new RandomText(random)

/**
 * The event with a number from 0 on: the same one in each thread, run and engine, since all of it is drawn from
 * `java.util.Random(id)`. The order of the draws is part of what Nexmark is. About a microsecond.
 *
 * Numbered in order, 10,000 events are a second of event time.
 */
export function eventOf(id: number): NexmarkEvent {
  random.reset(id)
  const slot = id % 50
  if (slot === 0) return person(id)
  return slot <= 3 ? auction(id) : bid(id)
}

/**
 * The number of the event at an index of the stream. In a stream out of order, each group of so many events is shuffled; a
 * group must not be a multiple of 953.
 */
export function idAt(index: number, group: number): number {
  if (group === 1) return index
  return Math.floor(index / group) * group + ((index * 953) % group)
}

function person(id: number): Person {
  const name = text.name()
  const email = text.email()
  const creditCard = text.creditCard()
  const city = text.city()
  const state = text.state()
  const used = 8 + name.length + email.length + creditCard.length + city.length + state.length
  return {
    kind: 'person',
    ts: timestampOf(id),
    id: ids.newestPerson(id),
    name,
    email,
    creditCard,
    city,
    state,
    extra: text.padding(200 - used),
  }
}

function auction(id: number): Auction {
  const ts = timestampOf(id)
  const seller = ids.seller(id, random)
  const category = FIRST_CATEGORY + random.nextInt(CATEGORIES)
  const initialBid = price(random)
  const horizon = timestampOf(id + IN_FLIGHT_EVENTS) - ts
  const expires = ts + 1 + random.nextInt(Math.max(2 * horizon, 1))
  const itemName = text.words(20)
  const description = text.words(100)
  const reserve = initialBid + price(random)
  const used = 8 + itemName.length + description.length + 5 * 8
  return {
    kind: 'auction',
    ts,
    id: ids.newestAuction(id),
    itemName,
    description,
    initialBid,
    reserve,
    expires,
    seller,
    category,
    extra: text.padding(500 - used),
  }
}

function bid(id: number): Bid {
  return {
    kind: 'bid',
    ts: timestampOf(id),
    auction: ids.bidFor(id, random),
    bidder: ids.bidder(id, random),
    price: price(random),
    extra: text.padding(100 - 4 * 8),
  }
}
