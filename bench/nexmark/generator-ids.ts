import type { JavaRandom } from './java-random.ts'

const BASE_TIME = Date.UTC(2015, 6, 15)
const EVENTS_PER_MS = 10
const EVENTS_PER_EPOCH = 50
const AUCTIONS_PER_EPOCH = 3

const FIRST_ID = 1_000
const HOT_BATCH = 100
/** So many ids ahead of the newest may be spoken of already. */
const ID_LEAD = 10
const ACTIVE_PEOPLE = 1_000
const IN_FLIGHT_AUCTIONS = 100

/** Of an event by its number, in ms since the epoch. */
export function timestampOf(event: number): number {
  return BASE_TIME + Math.floor(event / EVENTS_PER_MS)
}

/** In cents: as many between 1 and 10 as between 10 and 100, and so on up to a million. */
export function price(random: JavaRandom): number {
  return Math.round(10 ** (random.nextDouble() * 6) * 100)
}

/** Whom and what the event with a number speaks of: what is new, what is hot, or any of the latest. */
export const ids = {
  newestPerson: (event: number): number => FIRST_ID + lastPerson(event),

  newestAuction: (event: number): number => FIRST_ID + lastAuction(event),

  /** Three of four are the hot one. */
  seller(event: number, random: JavaRandom): number {
    const isHot = random.nextInt(4) > 0
    return FIRST_ID + (isHot ? batchOf(lastPerson(event)) : anyPerson(event, random))
  },

  /** One of two is the hot one. */
  bidFor(event: number, random: JavaRandom): number {
    const isHot = random.nextInt(2) > 0
    return FIRST_ID + (isHot ? batchOf(lastAuction(event)) : anyAuction(event, random))
  },

  /** Three of four are the hot one. */
  bidder(event: number, random: JavaRandom): number {
    const isHot = random.nextInt(4) > 0
    return FIRST_ID + (isHot ? batchOf(lastPerson(event)) + 1 : anyPerson(event, random))
  },
}

function batchOf(newest: number): number {
  return Math.floor(newest / HOT_BATCH) * HOT_BATCH
}

function lastPerson(event: number): number {
  return Math.floor(event / EVENTS_PER_EPOCH)
}

function lastAuction(event: number): number {
  const slot = event % EVENTS_PER_EPOCH
  const epoch = (event - slot) / EVENTS_PER_EPOCH
  return epoch * AUCTIONS_PER_EPOCH + Math.min(slot, AUCTIONS_PER_EPOCH) - 1
}

function anyPerson(event: number, random: JavaRandom): number {
  const people = lastPerson(event) + 1
  const active = Math.min(people, ACTIVE_PEOPLE)
  return people - active + random.nextInt(active + ID_LEAD)
}

function anyAuction(event: number, random: JavaRandom): number {
  const last = lastAuction(event)
  const first = Math.max(last - IN_FLIGHT_AUCTIONS, 0)
  return first + random.nextInt(last - first + 1 + ID_LEAD)
}
