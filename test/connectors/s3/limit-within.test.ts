import fc from 'fast-check'
import { expect, it } from 'vitest'
import { limitWithin } from '../../../connectors/s3/limit-within.ts'

it('lets in as many sizes as fit the budget, the smallest first, and equal ones together', () => {
  const sizes = fc.array(fc.nat(20), { maxLength: 12 })
  fc.assert(
    fc.property(sizes, fc.nat(100), (all, budget) => {
      const limit = limitWithin(all, budget)
      const sumUpTo = (most: number) =>
        all.filter((size) => size <= most).reduce((a, b) => a + b, 0)
      expect(sumUpTo(limit)).toBeLessThanOrEqual(budget)
      if (limit !== Infinity) expect(sumUpTo(limit + 1)).toBeGreaterThan(budget)
    }),
  )
})
