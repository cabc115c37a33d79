import fc from 'fast-check'
import { boundedOutOfOrderness, collectionSink, job, type JobModule } from 'millrace'
import { randomCrashes, testJob } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import type { NexmarkEvent } from '../../../bench/nexmark/model.ts'
import { eventsOf, type ReplayOptions } from '../../../bench/nexmark/replay.ts'
import { shifted, shiftOf } from '../../../bench/nexmark/rounds.ts'
import { nexmarkSource } from '../../../bench/nexmark/source.ts'

/** Rows say who read what, in which order, and with which timestamp. */
function readingJob(options: ReplayOptions): JobModule {
  return job('reading', {}, (env) => {
    const watermarks = boundedOutOfOrderness('1s')
    env
      .fromSource(nexmarkSource(options), { uid: 'events', watermarks })
      .process<Read>((event, ctx, out) => out.emit({ event, timestamp: ctx.timestamp }))
      .sinkTo(collectionSink(), { uid: 'rows' })
  })
}

interface Read {
  readonly event: NexmarkEvent
  readonly timestamp: number
}

/** All events of a stream, round by round. */
function stream({ events, rounds = 1, group = 1 }: ReplayOptions): NexmarkEvent[] {
  const pool = eventsOf({ events, group }, 0, 1)
  return Array.from({ length: rounds }, (_, round) => shiftOf(round, events)).flatMap((shift) =>
    pool.map((event) => shifted(event, shift)),
  )
}

const byText = (events: readonly NexmarkEvent[]): string[] =>
  events.map((event) => JSON.stringify(event)).sort()

describe('the source of Nexmark', () => {
  it('reads the events in order, round by round, each with its own time', async () => {
    const options = { events: 150, rounds: 3 }
    const { collected } = await testJob(readingJob(options))
    const read = collected['rows'] as readonly Read[]
    expect(read.map(({ event }) => event)).toEqual(stream(options))
    expect(read.every(({ event, timestamp }) => event.ts === timestamp)).toBe(true)
  })

  it('gives each subtask every so many-th event of the stream, shuffled or not', () => {
    const options = { events: 1_001, group: 100 }
    const all = stream(options)
    for (const partition of [0, 1, 2]) {
      const expected = all.filter((_, index) => index % 3 === partition)
      expect(eventsOf(options, partition, 3)).toEqual(expected)
    }
  })

  it('goes on at the exact event after crashes, also at another parallelism (R11, R12)', async () => {
    let crashes = 0
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          // Rounds are of whole epochs.
          events: fc.integer({ min: 1, max: 8 }).map((epochs) => 50 * epochs),
          rounds: fc.integer({ min: 1, max: 3 }),
          group: fc.constantFrom(1, 10),
        }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1 }),
        async (options, parallelism, seed) => {
          const crashAt = randomCrashes(seed)
          const result = await testJob(readingJob(options), { seed, parallelism, crashAt })
          crashes += result.crashes.length
          const read = result.collected['rows'] as readonly Read[] | undefined
          expect(byText((read ?? []).map(({ event }) => event))).toEqual(byText(stream(options)))
        },
      ),
      { numRuns: 12, seed: 1 },
    )
    expect(crashes).toBeGreaterThan(5)
  })

  it('tells once, before the first record of each subtask', async () => {
    let told = 0
    const source = nexmarkSource({ events: 2_100, onFirst: () => void told++ })
    const counting = job('telling', {}, (env) => {
      env.fromSource(source, { uid: 'events' }).sinkTo(collectionSink(), { uid: 'rows' })
    })
    await testJob(counting, { parallelism: 2 })
    expect(told).toBe(2)
  })
})
