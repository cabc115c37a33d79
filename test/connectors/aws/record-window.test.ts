import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordWindow } from '../../../connectors/aws/record-window.ts'

describe('RecordWindow', () => {
  it('halves when a request is throttled, and grows by ten with each that is taken', () => {
    const window = new RecordWindow(2_000)
    window.throttled(window.sent())
    expect(window.limit).toBe(1_000)
    window.throttled(window.sent())
    expect(window.limit).toBe(500)
    window.taken()
    window.taken()
    expect(window.limit).toBe(520)
  })

  it('halves once for requests that were on their way together', () => {
    const window = new RecordWindow(2_000)
    const requests = [window.sent(), window.sent(), window.sent()]
    for (const request of requests) window.throttled(request)
    expect(window.limit).toBe(1_000)
    window.throttled(window.sent())
    expect(window.limit).toBe(500)
  })

  it('stays between one and the most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.array(fc.boolean()), (max, events) => {
        const window = new RecordWindow(max)
        for (const isTaken of events) {
          const request = window.sent()
          if (isTaken) window.taken()
          else window.throttled(request)
          expect(window.limit).toBeGreaterThanOrEqual(1)
          expect(window.limit).toBeLessThanOrEqual(max)
        }
      }),
    )
  })

  it('finds the rate that a service takes, within a factor of two', () => {
    const window = new RecordWindow(2_000)
    const capacity = 300
    const sent: number[] = []
    for (let round = 0; round < 500; round++) {
      const request = window.sent()
      sent.push(window.limit)
      if (window.limit > capacity) window.throttled(request)
      else window.taken()
    }
    const late = sent.slice(100)
    expect(Math.max(...late)).toBeLessThanOrEqual(capacity + 10)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(capacity / 2 - 10)
  })
})
