import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashLoop, loopLines } from '../../../bench/nexmark/loop-run.ts'
import { LOOPS } from '../../../bench/nexmark/loops.ts'
import type { NexmarkEvent } from '../../../bench/nexmark/model.ts'
import type { QueryName } from '../../../bench/nexmark/query.ts'
import { eventsOf } from '../../../bench/nexmark/replay.ts'
import { shifted, shiftOf } from '../../../bench/nexmark/rounds.ts'
import { REFERENCE } from './reference.ts'
import { eventsOf as withoutPauses, someEvents } from './some-events.ts'

/** Of the first 100,000 events: number of rows, and their hash. The rows were compared with those of Apache Flink. */
const OF_FLINK: Readonly<Record<QueryName, readonly [rows: number, hash: number]>> = {
  q0: [92000, 1853177872],
  q1: [92000, 3959503063],
  q2: [351, 3703280826],
  q3: [580, 2149442602],
  q4: [5, 2093503906],
  q5: [15, 857854069],
  q7: [1, 3352602131],
  q8: [902, 445457223],
  q9: [4052, 1094950738],
  q11: [1919, 1642503554],
  q12: [1919, 821641590],
  q15: [1, 3902140414],
  q17: [4657, 2517885917],
  q18: [25248, 3992768130],
  q19: [35135, 289902746],
  q20: [14419, 713042719],
}

const NAMES = Object.keys(LOOPS) as QueryName[]
const pool = eventsOf({ events: 100_000 }, 0, 1)
const twoRounds = [0, 1].flatMap((round): NexmarkEvent[] =>
  pool.map((event) => shifted(event, shiftOf(round, pool.length))),
)

/** The events as an auction house has them: in the order of time, with ids in the order in which they were given out. */
function inOrder(events: readonly NexmarkEvent[]): NexmarkEvent[] {
  const sorted = events.toSorted((a, b) => a.ts - b.ts)
  const renamed = (kind: 'person' | 'auction', nameOf: (rank: number) => number) => {
    const ids = sorted.flatMap((event) => (event.kind === kind ? [event.id] : []))
    // What is spoken of and never comes is ahead of all that does.
    return (id: number): number => (ids.includes(id) ? nameOf(ids.indexOf(id)) : 10_000 + id)
  }
  const person = renamed('person', (rank) => rank)
  // One of them is a multiple of 123, for q2.
  const auction = renamed('auction', (rank) => 119 + rank)
  return sorted.map((event) => {
    if (event.kind === 'person') return { ...event, id: person(event.id) }
    if (event.kind === 'auction') {
      return { ...event, id: auction(event.id), seller: person(event.seller) }
    }
    return { ...event, auction: auction(event.auction), bidder: person(event.bidder) }
  })
}

describe('the loops of Nexmark', () => {
  it.each(NAMES)('%s gives the rows that Apache Flink gives', (name) => {
    const { rows, hash } = hashLoop(name, pool, 1)
    expect([rows, hash]).toEqual(OF_FLINK[name])
  })

  it.each(NAMES)('%s gives what plain arrays give', (name) => {
    const events = pool.slice(0, 3_000)
    const expected = REFERENCE[name](events).map((row) => row.join())
    expect(loopLines(name, events, 1).sort()).toEqual(expected.sort())
  })

  it.each(NAMES)('%s gives what plain arrays give, also at ties and borders', (name) => {
    fc.assert(
      fc.property(someEvents, (input) => {
        const events = inOrder(withoutPauses(input))
        const expected = REFERENCE[name](events).map((row) => row.join())
        expect(loopLines(name, events, 1).sort()).toEqual(expected.sort())
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  it.each(NAMES)('%s gives for rounds what it gives for the same events in one', (name) => {
    expect(hashLoop(name, pool, 2)).toEqual(hashLoop(name, twoRounds, 1))
  })
})

describe('rounds', () => {
  it('go on in time and ids where the one before has ended', () => {
    const more = eventsOf({ events: 100_050 }, 0, 1)
    const [person, auction] = [more[100_000]!, more[100_001]!]
    const of = (index: number): NexmarkEvent => shifted(pool[index]!, shiftOf(1, pool.length))
    expect(of(0)).toMatchObject({
      kind: 'person',
      ts: person.ts,
      id: (person as { id: number }).id,
    })
    expect(of(1)).toMatchObject({ ts: auction.ts, id: (auction as { id: number }).id })
  })

  it('shift all that is a time or an id, and nothing else', () => {
    const shift = { ms: 7, persons: 100, auctions: 3_000 }
    for (const index of [0, 1, 4]) {
      const event = pool[index]!
      const later = shifted(event, shift)
      expect(Object.keys(later)).toEqual(Object.keys(event))
      const by: Readonly<Record<string, number>> =
        event.kind === 'person'
          ? { ts: 7, id: 100 }
          : event.kind === 'auction'
            ? { ts: 7, id: 3_000, expires: 7, seller: 100 }
            : { ts: 7, auction: 3_000, bidder: 100 }
      for (const [name, value] of Object.entries(event)) {
        const expected = typeof value === 'number' ? value + (by[name] ?? 0) : value
        expect((later as unknown as Record<string, unknown>)[name]).toBe(expected)
      }
    }
  })
})
