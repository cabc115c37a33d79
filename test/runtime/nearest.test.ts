import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editDistance, nearest } from '../../runtime/nearest.ts'

describe('nearest', () => {
  it('finds a name again after one edit of it', () => {
    const names = ['parallelism', 'checkpoint-interval', 'no-progress', 'allow-rewind', 'memory']
    const edited = fc
      .tuple(fc.constantFrom(...names), fc.nat(), fc.constantFrom('x', ''))
      .map(([name, at, put]) => {
        const i = at % name.length
        return { name, typed: name.slice(0, i) + put + name.slice(i + 1) }
      })
    fc.assert(
      fc.property(edited, ({ name, typed }) => {
        expect(nearest(typed, names)).toBe(name)
      }),
    )
  })

  it('suggests nothing that is not near', () => {
    expect(nearest('x', ['dir', 'json'])).toBeUndefined()
    expect(nearest('', ['dir'])).toBeUndefined()
    expect(nearest('frobnicate', ['fresh', 'from'])).toBeUndefined()
  })

  it('counts edits as a distance does', () => {
    const word = fc.string({ maxLength: 8 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, a)).toBe(0)
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
        expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length))
      }),
    )
    expect(editDistance('form', 'from')).toBe(1)
  })
})
