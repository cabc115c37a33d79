import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type KeyStretch, MapWalk } from '../../../runtime/state/map-walk.ts'

/** Keys are letters here, and their own order. */
const LETTERS = [...'abcdefghij']
const letter = fc.constantFrom(...LETTERS)

it('comes to the keys of its beginning that are there at their turn, wherever pages end (R17, R23)', () => {
  const steps = fc.array(
    fc.record({ what: fc.constantFrom('next', 'next', 'add', 'remove', 'remove'), key: letter }),
    { minLength: 10, maxLength: 60, size: 'max' },
  )
  const run = fc.record({ at: fc.array(letter, { maxLength: 10, size: 'max' }), steps })
  fc.assert(
    fc.property(run, fc.integer({ min: 1, max: 5 }), ({ at, steps: all }, pageKeys) => {
      const present = new Set(at)
      const beginning = new Set(at)
      const stretchAfter = (order: string): KeyStretch | undefined => {
        const behind = [...present].sort().filter((key) => key > order)
        // Where pages end does not depend on what was asked for.
        const end = behind.length === 0 ? 0 : behind.length % pageKeys || pageKeys
        return end === 0 ? undefined : { orders: behind.slice(0, end), keys: behind.slice(0, end) }
      }
      const walk = new MapWalk(stretchAfter)
      let last = ''
      const nextThere = (): string | undefined => {
        for (;;) {
          const key = walk.next() as string | undefined
          if (key === undefined || present.has(key)) return key
        }
      }
      const step = (): boolean => {
        const expected = LETTERS.find((key) => key > last && beginning.has(key) && present.has(key))
        const found = nextThere()
        expect(found).toBe(expected)
        last = found ?? 'z'
        return found !== undefined
      }
      for (const { what, key } of all) {
        if (what === 'next') {
          if (!step()) return
        } else if (what === 'add' && !present.has(key)) {
          present.add(key)
          walk.added(key)
        } else if (what === 'remove' && present.delete(key)) walk.removed(key)
      }
      while (step());
    }),
    { numRuns: 300 },
  )
})
