import { describe, expect, it } from 'vitest'
import type { TestJobResult } from '../../testing/test-job-options.ts'
import { randomSimulation, rescaled, simulate, simulateIdle, simulateLate } from './simulate.ts'

const PARALLELISMS = [1, 2, 3, 4, 7]
/** Every one to every other, as the runs tell it. */
const MATRIX = PARALLELISMS.flatMap((was) =>
  PARALLELISMS.filter((is) => is !== was).map((is) => `parallelism ${was} → ${is}`),
)
const SEEDS = Array.from({ length: 12 }, (_, index) => 9_100 + index)
const FIRST_SEED = 9_000
/** More than are needed, unless jobs end before they are interrupted. */
const MOST_SEEDS = 40

/** A way through those that have not been tried, from one of them. */
function wayThrough(untried: ReadonlySet<string>): number[] {
  const left = new Set(untried)
  const way: number[] = []
  let at = PARALLELISMS.find((was) =>
    [...left].some((one) => one.startsWith(`parallelism ${was} `)),
  )
  while (at !== undefined) {
    way.push(at)
    const next = PARALLELISMS.find((is) => left.has(`parallelism ${at} → ${is}`))
    left.delete(`parallelism ${at} → ${next}`)
    at = next
  }
  return way.slice(0, 5)
}

function rescalesIn({ events }: TestJobResult): string[] {
  return events.flatMap((event) =>
    event.type === 'started' ? event.notes.filter((note) => MATRIX.includes(note)) : [],
  )
}

describe('simulated rescaling', { timeout: 60_000 }, () => {
  it('random jobs put out what plain arrays say, gone on with from any parallelism at any other (R12, R40, R41)', async () => {
    const untried = new Set(MATRIX)
    for (let seed = FIRST_SEED; untried.size > 0; seed++) {
      expect(seed).toBeLessThan(FIRST_SEED + MOST_SEEDS)
      const result = await simulate(rescaled(randomSimulation(seed), wayThrough(untried)))
      for (const rescale of rescalesIn(result)) untried.delete(rescale)
    }
  })

  it('late data stays late at any parallelism, where one source subtask decides on time (R12, R41)', async () => {
    let rescales = 0
    for (const seed of SEEDS) {
      // Often enough that some fall between two rows of a batch.
      const simulation = { ...randomSimulation(seed), checkpointIntervalMs: 3 }
      const result = await simulateLate(rescaled(simulation, [2, 3, 1, 4]))
      rescales += rescalesIn(result).length
    }
    expect(rescales).toBeGreaterThan(SEEDS.length)
  })

  it('every row is in time or late, once, where sources go idle and go on at another parallelism (R11, R41)', async () => {
    for (const seed of SEEDS.slice(0, 6)) {
      await simulateIdle(rescaled(randomSimulation(seed), [3, 2, 4, 1]))
    }
  })
})
