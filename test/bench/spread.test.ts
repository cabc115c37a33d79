import { describe, expect, it } from 'vitest'
import { median, percentile, spreadOf } from '../../bench/spread.ts'

describe('the spread of figures', () => {
  it('has the middle one, or what lies between the two in the middle', () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([4, 1])).toBe(2.5)
    expect(median([7])).toBe(7)
    expect(median([])).toBe(0)
    expect(spreadOf([0.12345, 3, 1, 2])).toEqual({ min: 0.123, median: 1.5, max: 3 })
  })

  it('knows which figure a share of all are below', () => {
    const values = Array.from({ length: 100 }, (_, index) => 99 - index)
    expect([0, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([0, 50, 99, 99])
  })
})
