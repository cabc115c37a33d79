import type { Auction, Bid, NexmarkEvent, Person } from '../../../bench/nexmark/model.ts'
import type { QueryName } from '../../../bench/nexmark/query.ts'

/** A row: its columns in order. */
export type Row = readonly (number | string)[]

const DAY = 86_400_000

/**
 * What each query must give for events in any order, said as plainly as can be: whole arrays, in quadratic time, no state and no
 * engine. For queries that refine their result the last row of each key.
 */
export const REFERENCE: Readonly<
  Record<QueryName, (events: readonly NexmarkEvent[]) => readonly Row[]>
> = {
  q0: (events) => bids(events).map((b) => [b.auction, b.bidder, b.price, b.ts]),
  q1: (events) => bids(events).map((b) => [b.auction, b.bidder, b.price * 908, b.ts]),
  q2: (events) =>
    bids(events)
      .filter((b) => b.auction % 123 === 0)
      .map((b) => [b.auction, b.price, b.ts]),
  q3: (events) =>
    persons(events)
      .filter((p) => ['OR', 'ID', 'CA'].includes(p.state))
      .flatMap((p) =>
        auctions(events)
          .filter((a) => a.seller === p.id && a.category === 10)
          .map((a) => [p.name, p.city, p.state, a.id]),
      ),
  q4: (events) =>
    grouped(winners(events), ({ auction }) => auction.category).map(([category, won]) => {
      const sum = won.reduce((all, { bid }) => all + bid.price, 0)
      return [category, sum, won.length, Math.floor(sum / won.length)]
    }),
  q5: (events) => {
    const all = bids(events)
    const ends = new Set(
      all.flatMap(({ ts }) => [2, 4, 6, 8, 10].map((s) => floorTo(ts, 2_000) + s * 1_000)),
    )
    return [...ends].flatMap((end) => {
      const start = end - 10_000
      const inside = all.filter(({ ts }) => ts >= start && ts < end)
      const counts = grouped(inside, (b) => b.auction).map(([id, own]) => [id, own.length] as const)
      const most = Math.max(...counts.map(([, n]) => n))
      return counts.filter(([, n]) => n === most).map(([id, n]) => [start, end, id, n])
    })
  },
  q7: (events) =>
    grouped(bids(events), (b) => floorTo(b.ts, 10_000)).flatMap(([start, inside]) => {
      const top = Math.max(...inside.map((b) => b.price))
      return inside
        .filter((b) => b.price === top)
        .map((b) => [b.auction, b.price, b.bidder, b.ts, start])
    }),
  q8: (events) =>
    persons(events)
      .filter((p) =>
        auctions(events).some(
          (a) => a.seller === p.id && floorTo(a.ts, 10_000) === floorTo(p.ts, 10_000),
        ),
      )
      .map((p) => [p.id, p.name, floorTo(p.ts, 10_000)]),
  q9: (events) =>
    winners(events).map(({ auction: a, bid: b }) => {
      return [a.id, a.seller, a.category, a.ts, a.expires, b.bidder, b.price, b.ts]
    }),
  q11: (events) =>
    grouped(bids(events), (b) => b.bidder).flatMap(([bidder, own]) => {
      const sessions: { count: number; start: number; end: number }[] = []
      for (const { ts } of own.toSorted((a, b) => a.ts - b.ts)) {
        const last = sessions.at(-1)
        if (last === undefined || ts > last.end) {
          sessions.push({ count: 1, start: ts, end: ts + 10_000 })
        } else {
          last.count++
          last.end = ts + 10_000
        }
      }
      return sessions.map(({ count, start, end }) => [bidder, count, start, end])
    }),
  q12: (events) =>
    grouped(bids(events), (b) => floorTo(b.ts, 10_000)).flatMap(([start, inside]) =>
      grouped(inside, (b) => b.bidder).map(([bidder, own]) => [bidder, own.length, start]),
    ),
  q15: (events) =>
    grouped(bids(events), (b) => floorTo(b.ts, DAY)).map(([, today]) => {
      const parts = [today, ...RANGES.map((isIn) => today.filter((b) => isIn(b.price)))]
      const different = (of: (b: Bid) => number): number[] =>
        parts.map((part) => new Set(part.map(of)).size)
      return [
        ...parts.map((part) => part.length),
        ...different((b) => b.bidder),
        ...different((b) => b.auction),
      ]
    }),
  q17: (events) =>
    grouped(bids(events), (b) => floorTo(b.ts, DAY)).flatMap(([, today]) =>
      grouped(today, (b) => b.auction).map(([auction, own]) => {
        const prices = own.map((b) => b.price)
        const sum = prices.reduce((a, b) => a + b, 0)
        return [
          auction,
          own.length,
          ...RANGES.map((isIn) => prices.filter(isIn).length),
          Math.min(...prices),
          Math.max(...prices),
          Math.floor(sum / own.length),
          sum,
        ]
      }),
    ),
  q18: (events) =>
    grouped(bids(events), (b) => `${b.bidder},${b.auction}`).map(([, own]) => {
      return [own[0]!.bidder, own[0]!.auction, Math.max(...own.map((b) => b.ts))]
    }),
  q19: (events) =>
    grouped(bids(events), (b) => b.auction).flatMap(([auction, own]) =>
      own
        .map((b) => b.price)
        .toSorted((a, b) => b - a)
        .slice(0, 10)
        .map((price, index) => [auction, price, index + 1]),
    ),
  q20: (events) =>
    auctions(events)
      .filter((a) => a.category === 10)
      .flatMap((a) =>
        bids(events)
          .filter((b) => b.auction === a.id)
          .map((b) => [b.auction, b.bidder, b.price, b.ts, a.seller, a.expires]),
      ),
}

const RANGES = [
  (price: number): boolean => price < 10_000,
  (price: number): boolean => price >= 10_000 && price < 1_000_000,
  (price: number): boolean => price >= 1_000_000,
]

/** Each auction that got a bid in its time, with the one that wins. */
function winners(events: readonly NexmarkEvent[]): { auction: Auction; bid: Bid }[] {
  const all = bids(events)
  return auctions(events).flatMap((auction) => {
    const [bid] = all
      .filter((b) => b.auction === auction.id && b.ts >= auction.ts && b.ts <= auction.expires)
      .toSorted((a, b) => b.price - a.price || a.ts - b.ts || a.bidder - b.bidder)
    return bid === undefined ? [] : [{ auction, bid }]
  })
}

function bids(events: readonly NexmarkEvent[]): Bid[] {
  return events.filter((event) => event.kind === 'bid')
}

function auctions(events: readonly NexmarkEvent[]): Auction[] {
  return events.filter((event) => event.kind === 'auction')
}

function persons(events: readonly NexmarkEvent[]): Person[] {
  return events.filter((event) => event.kind === 'person')
}

function grouped<T, K>(values: readonly T[], keyOf: (value: T) => K): [K, T[]][] {
  return [...Map.groupBy(values, keyOf)]
}

function floorTo(ts: number, size: number): number {
  return Math.floor(ts / size) * size
}
