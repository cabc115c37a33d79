import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RatePacer } from '../../connectors/rate-pacer.ts'
import { ManualClock } from '../../testing/manual-clock.ts'

function pacerOf(rate: number) {
  const clock = new ManualClock()
  let wakes = 0
  const pacer = new RatePacer(rate, clock, () => wakes++)
  const take = () => {
    const due = pacer.due()
    pacer.emitted(due)
    return due
  }
  return { clock, pacer, take, wakes: () => wakes }
}

describe('RatePacer', () => {
  it('has no limit at rate 0', () => {
    const { pacer, clock } = pacerOf(0)
    expect(pacer.due()).toBe(Infinity)
    expect(clock.nextDelay).toBe(undefined)
  })

  it('gives the first record at once, and wakes for the next', () => {
    const { clock, take, wakes } = pacerOf(10)
    expect(take()).toBe(1)
    expect(take()).toBe(0)
    expect(clock.nextDelay).toBe(100)
    clock.advance(100)
    expect(wakes()).toBe(1)
    expect(take()).toBe(1)
  })

  it('waits at least 10 ms, so that it does not wake for each of many records', () => {
    const { clock, take } = pacerOf(10_000)
    take()
    expect(take()).toBe(0)
    expect(clock.nextDelay).toBe(10)
    clock.advance(10)
    expect(take()).toBe(100)
  })

  it('keeps its rate however it is asked, and never runs ahead', () => {
    const rates = fc.integer({ min: 1, max: 5_000 })
    const waits = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(rates, waits, (rate, all) => {
        const { clock, take } = pacerOf(rate)
        let taken = take()
        for (const wait of all) {
          clock.advance(wait)
          taken += take()
          const owed = (clock.elapsed() * rate) / 1_000
          expect(taken).toBeLessThanOrEqual(owed + 1.001)
          expect(taken).toBeGreaterThan(owed - 1)
        }
      }),
    )
  })

  it('catches up at most one second after a pause', () => {
    const { clock, take } = pacerOf(100)
    take()
    clock.advance(60_000)
    expect(take()).toBe(100)
    expect(take()).toBe(0)
    clock.advance(1_000)
    expect(take()).toBe(100)
  })

  it('catches up one record at a rate below one a second', () => {
    const { clock, take } = pacerOf(0.1)
    expect(take()).toBe(1)
    clock.advance(60_000)
    expect(take()).toBe(1)
    expect(take()).toBe(0)
  })

  it('does not wake after it was closed', () => {
    const { clock, pacer, take, wakes } = pacerOf(10)
    take()
    take()
    pacer.close()
    clock.advance(1_000)
    expect(wakes()).toBe(0)
  })
})
