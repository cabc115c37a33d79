import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type CountedRow, keyOf, RowCheck } from '../../../bench/recovery/rows.ts'

const KEYS = 7

/** What a job that does everything right commits, in an order of its own. */
function rowsOf(order: readonly number[]): CountedRow[] {
  const counts = new Map<number, number>()
  return order.map((index) => {
    const n = (counts.get(keyOf(index, KEYS)) ?? 0) + 1
    counts.set(keyOf(index, KEYS), n)
    return { index, n }
  })
}

function differencesOf(count: number, rows: readonly CountedRow[]) {
  const check = new RowCheck(count, KEYS)
  for (const row of rows) check.add(row)
  return check.differences()
}

const NONE = { losses: 0, duplicates: 0, wrongCounts: 0 }
const order = fc
  .integer({ min: 1, max: 100 })
  .chain((count) => fc.shuffledSubarray([...Array(count).keys()], { minLength: count }))

it('the recovery benchmark finds rows that are lost, doubled, unknown, or counted from older state', () => {
  fc.assert(
    fc.property(order, fc.nat(), (indices, random) => {
      const rows = rowsOf(indices)
      const count = rows.length
      const one = rows[random % count]!
      const others = rows.filter((row) => row !== one)
      expect(differencesOf(count, rows)).toEqual(NONE)
      expect(differencesOf(count, others)).toEqual({ losses: 1, duplicates: 0, wrongCounts: one.n })
      expect(differencesOf(count, [...rows, one])).toMatchObject({ losses: 0, duplicates: 1 })
      expect(differencesOf(count, [...rows, { ...one, index: count }]).duplicates).toBe(1)
      const older = { ...one, n: one.n + 1 }
      expect(differencesOf(count, [...others, older])).toEqual({ ...NONE, wrongCounts: 1 })
    }),
  )
})
