import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../../bench/latency/histogram.ts'

/** Microseconds of all magnitudes, up to half an hour. */
const micros = fc
  .tuple(fc.integer({ min: 0, max: 30 }), fc.nat())
  .map(([bits, value]) => value % 2 ** bits)

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram()
  for (const value of values) histogram.add(value)
  return histogram
}

/** The least value that so many percent are not above. */
function exact(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1]!
}

describe('the histogram of latencies', () => {
  it('gives percentiles that are never too low, and too high by 1.6 % at most', () => {
    const values = fc.array(micros, { minLength: 1, maxLength: 200, size: 'max' })
    fc.assert(
      fc.property(values, fc.constantFrom(1, 50, 99, 99.9, 100), (all, percent) => {
        const found = histogramOf(all).percentile(percent)
        const wanted = exact(all, percent)
        expect(found).toBeGreaterThanOrEqual(wanted)
        expect(found).toBeLessThanOrEqual(wanted * (1 + 1 / 64))
        expect(histogramOf(all).max).toBe(Math.max(...all))
      }),
    )
  })

  it('is the same whether values are counted in one or in several that are merged', () => {
    const some = fc.array(micros, { maxLength: 50, size: 'max' })
    fc.assert(
      fc.property(some, some, (a, b) => {
        const merged = histogramOf(a)
        merged.merge(JSON.parse(JSON.stringify(histogramOf(b))))
        expect(merged.toJSON()).toEqual(histogramOf([...a, ...b]).toJSON())
        expect(merged.size).toBe(a.length + b.length)
      }),
    )
  })

  it('has a percentile of 0 where it is empty, and takes what is too high for the highest it knows', () => {
    expect(histogramOf([]).percentile(50)).toBe(0)
    expect(histogramOf([2 ** 40, -3]).toJSON().buckets).toHaveLength(2)
    expect(histogramOf([2 ** 40]).percentile(50)).toBe(2 ** 31 - 1)
  })
})
