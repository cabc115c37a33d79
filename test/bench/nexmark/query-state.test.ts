import { operatorHarness } from 'millrace/testing'
import { expect, it } from 'vitest'
import type { NexmarkEvent } from '../../../bench/nexmark/model.ts'
import { QUERIES } from '../../../bench/nexmark/queries.ts'
import type { QueryName } from '../../../bench/nexmark/query.ts'
import { auction, bid, NOON, person } from './one-event.ts'

/** How many entries the states of a query hold after each event; a list is one. */
async function entriesAfter(name: QueryName, ...events: NexmarkEvent[]): Promise<number[]> {
  const harness = await operatorHarness(QUERIES[name])
  const counts = events.map((event) => {
    harness.processElement(event, event.ts)
    return harness.numKeyedStateEntries
  })
  await harness.close()
  return counts
}

const early = bid({ auction: 7, bidder: 1, price: 5, ts: NOON })
const sale = auction({ id: 7, seller: 3, ts: NOON, expires: NOON + 100 })
const later = bid({ auction: 7, bidder: 2, price: 6, ts: NOON + 1 })
const seller = person({ id: 3, state: 'OR', ts: NOON })

it.each([
  ['q9', [early, early, sale, later]],
  ['q20', [early, early, sale, later]],
  ['q3', [sale, { ...sale, id: 8 }, seller, { ...sale, id: 9 }]],
] as const)('%s keeps rows only until the one they wait for has come', async (name, events) => {
  expect(await entriesAfter(name, ...events)).toEqual([1, 1, 1, 1])
})

it.each(['q5', 'q7', 'q8', 'q11', 'q12', 'q15', 'q17'] as const)(
  '%s keeps nothing of times that are over',
  async (name) => {
    const harness = await operatorHarness(QUERIES[name])
    for (const event of [seller, sale, early, later]) harness.processElement(event, event.ts)
    expect(harness.numKeyedStateEntries).toBeGreaterThan(0)
    harness.processWatermark(NOON + 86_400_000)
    expect(harness.numKeyedStateEntries).toBe(0)
    expect(harness.numEventTimeTimers).toBe(0)
    await harness.close()
  },
)
