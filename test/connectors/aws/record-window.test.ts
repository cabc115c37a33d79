import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordWindow } from '../../../connectors/aws/record-window.ts'

describe('RecordWindow', () => {
  it('halves when a request is throttled, and grows by ten with each that is taken', () => {
    const window = new RecordWindow(2_000)
    window.answered(window.sent(), 1)
    expect(window.limit).toBe(1_000)
    window.answered(window.sent(), 1)
    expect(window.limit).toBe(500)
    window.answered(window.sent(), 0)
    window.answered(window.sent(), 0)
    expect(window.limit).toBe(520)
  })

  it('shrinks by half of the part that is throttled, so that the others go on', () => {
    const window = new RecordWindow(2_000)
    window.answered(window.sent(), 0.1)
    expect(window.limit).toBe(1_909)
    for (let n = 0; n < 1_000; n++) window.answered(window.sent(), 0.02)
    expect(window.limit).toBeGreaterThan(900)
  })

  it('halves once for requests that were on their way together', () => {
    const window = new RecordWindow(2_000)
    const requests = [window.sent(), window.sent(), window.sent()]
    for (const request of requests) window.answered(request, 1)
    expect(window.limit).toBe(1_000)
    window.answered(window.sent(), 1)
    expect(window.limit).toBe(500)
  })

  it('stays between one and the most', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        (max, events) => {
          const window = new RecordWindow(max)
          for (const throttled of events) {
            window.answered(window.sent(), throttled)
            expect(window.limit).toBeGreaterThanOrEqual(1)
            expect(window.limit).toBeLessThanOrEqual(max)
          }
        },
      ),
    )
  })

  it('finds the rate that a service takes, within a factor of two', () => {
    const window = new RecordWindow(2_000)
    const capacity = 300
    const sent: number[] = []
    for (let round = 0; round < 500; round++) {
      const request = window.sent()
      sent.push(window.limit)
      if (window.limit > capacity) window.answered(request, 1)
      else window.answered(request, 0)
    }
    const late = sent.slice(100)
    expect(Math.max(...late)).toBeLessThanOrEqual(capacity + 10)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(capacity / 2 - 10)
  })
})
