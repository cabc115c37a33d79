import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NumberTable } from '../../../runtime/state/number-table.ts'

interface Entry {
  readonly key: number
}

const numbers = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.double({ noNaN: true }),
  fc.nat().map((whole) => -0.5 - whole * 2 ** 26),
)

type Step =
  | { readonly do: 'add'; readonly keys: readonly number[] }
  | { readonly do: 'keep'; readonly part: number; readonly share: number }

const steps = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        keys: fc.array(numbers, { maxLength: 1_000, size: 'max' }),
      }),
      weight: 3,
    },
    {
      arbitrary: fc.record({
        do: fc.constant('keep' as const),
        part: fc.nat(63),
        share: fc.constantFrom(0, 0.3, 1),
      }),
      weight: 1,
    },
  ) as fc.Arbitrary<Step>,
  { minLength: 5, maxLength: 12, size: 'max' },
)

describe('a table of numbers', () => {
  it('finds what a Map finds, however it grows and is swept (R19)', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const table = new NumberTable<Entry>()
        const model = new Map<number, Entry>()
        for (const step of all) {
          if (step.do === 'add') {
            for (const key of step.keys) {
              if (model.has(key)) continue
              const entry = { key }
              model.set(key, entry)
              table.add(key, entry)
            }
          } else {
            const asked = new Set<Entry>()
            let next = 0
            table.keep(step.part, (entry) => {
              if (asked.has(entry)) throw new Error('asked twice')
              asked.add(entry)
              if ((next += step.share) >= 1) {
                next -= 1
                return true
              }
              model.delete(entry.key)
              return false
            })
          }
          const isFound = ([key, entry]: [number, Entry]): boolean => table.get(key) === entry
          expect([...model].every(isFound)).toBe(true)
          expect(new Set(table.values())).toEqual(new Set(model.values()))
        }
        for (const step of all) {
          if (step.do === 'add') {
            expect(step.keys.map((key) => table.get(key))).toEqual(
              step.keys.map((key) => model.get(key)),
            )
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  it('takes 0 and −0 for one, and all other numbers for themselves (R19)', () => {
    const table = new NumberTable<Entry>()
    const keys = [0, 1, -1, 0.5, -0.5, 2 ** 52 + 1, 1e300, -Infinity, Infinity, Number.MIN_VALUE]
    for (const key of keys) table.add(key, { key })
    expect(table.get(-0)).toEqual({ key: 0 })
    for (const key of keys) expect(table.get(key)).toEqual({ key })
    for (const key of [2, -0.25, 2 ** 52, 1e299]) expect(table.get(key)).toBeUndefined()
  })

  it('shows what is there all the time to whoever goes through it while it grows and is swept (R17)', () => {
    const table = new NumberTable<Entry>()
    for (let key = 0; key < 2_000; key++) table.add(key, { key })
    const seen = new Set<number>()
    let count = 0
    let added = 2_000
    for (const { key } of table.values()) {
      seen.add(key)
      if (++count % 97 !== 0 || added > 40_000) continue
      if (count % 2 === 0) {
        for (let i = 0; i < 5_000; i++) table.add(added++, { key: added - 1 })
      } else {
        for (let part = 0; part < table.parts; part++) {
          table.keep(part, (entry) => entry.key < 2_000)
        }
      }
    }
    expect(Array.from({ length: 2_000 }, (_, key) => seen.has(key)).every(Boolean)).toBe(true)
  })
})
