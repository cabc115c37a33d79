import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../runtime/clock.ts'
import {
  createRestartStrategy,
  DEFAULT_RESTART,
  type RestartStrategy,
} from '../../../runtime/job/restart-strategy.ts'

const random = new SeededRandom(1)

/** A failure right after each planned restart; returns the delays until there is no further attempt. */
function delaysOf(strategy: RestartStrategy, failures: number, quietMs = 1): number[] {
  const delays: number[] = []
  let now = 1_000
  for (let failure = 0; failure < failures; failure++) {
    const decision = strategy.onFailure(now, random)
    if (!decision.restart) break
    delays.push(decision.delayMs)
    now += decision.delayMs + quietMs
  }
  return delays
}

describe('restart strategy', () => {
  it('never restarts with "none"', () => {
    expect(createRestartStrategy({ type: 'none' }).onFailure(0, random)).toEqual({ restart: false })
  })

  it('restarts a fixed number of times after the same delay', () => {
    const strategy = createRestartStrategy({ type: 'fixed-delay', attempts: 3, delayMs: 20 })
    expect(delaysOf(strategy, 10)).toEqual([20, 20, 20])
  })

  it('gives up once more failures than allowed lie within the interval', () => {
    const config = { type: 'failure-rate', maxFailures: 2, intervalMs: 100, delayMs: 5 } as const
    const strategy = createRestartStrategy(config)
    expect(strategy.onFailure(0, random).restart).toBe(true)
    expect(strategy.onFailure(50, random).restart).toBe(true)
    expect(strategy.onFailure(100, random).restart).toBe(false)
    const slow = createRestartStrategy(config)
    for (const now of [0, 60, 120, 180]) expect(slow.onFailure(now, random).restart).toBe(true)
  })

  it('waits 1 s at first, half as much again each time and at most a minute, by default', () => {
    const strategy = createRestartStrategy({ ...DEFAULT_RESTART, jitter: 0 })
    expect(delaysOf(strategy, 14)).toEqual([
      1_000, 1_500, 2_250, 3_375, 5_063, 7_594, 11_391, 17_086, 25_629, 38_443, 57_665, 60_000,
      60_000, 60_000,
    ])
    expect(createRestartStrategy(undefined).onFailure(0, random).restart).toBe(true)
  })

  it('varies the delay by the jitter, within its bounds, and goes on for ever', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const strategy = createRestartStrategy(undefined)
        const chance = new SeededRandom(seed)
        let now = 0
        for (let failure = 0; failure < 200; failure++) {
          const decision = strategy.onFailure(now, chance)
          if (!decision.restart) throw new Error('gave up')
          const plain = 1_000 * 1.5 ** failure
          expect(decision.delayMs).toBeGreaterThanOrEqual(
            Math.min(60_000, Math.max(1_000, plain * 0.9 - 1)),
          )
          expect(decision.delayMs).toBeLessThanOrEqual(Math.min(60_000, plain * 1.1 + 1))
          now += decision.delayMs + 1
        }
      }),
    )
  })

  it('begins anew after an hour without a failure, counted from the planned restart', () => {
    const make = () => createRestartStrategy({ ...DEFAULT_RESTART, jitter: 0 })
    expect(delaysOf(make(), 3, 3_600_000)).toEqual([1_000, 1_000, 1_000])
    expect(delaysOf(make(), 3, 3_599_999)).toEqual([1_000, 1_500, 2_250])
  })

  it('counts a failure before the planned restart as part of the same one', () => {
    const strategy = createRestartStrategy({ ...DEFAULT_RESTART, jitter: 0, attempts: 1 })
    expect(strategy.onFailure(0, random)).toEqual({ restart: true, delayMs: 1_000 })
    expect(strategy.onFailure(400, random)).toEqual({ restart: true, delayMs: 600 })
    expect(strategy.onFailure(1_001, random)).toEqual({ restart: false })
  })
})
