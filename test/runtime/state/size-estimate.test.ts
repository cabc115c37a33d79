import { describe, expect, it } from 'vitest'
import { estimateSize } from '../../../runtime/state/size-estimate.ts'

const bytes = (value: unknown): number => estimateSize(value).bytes

describe('estimateSize', () => {
  it('grows with what is in a value', () => {
    expect(bytes(1)).toBe(0)
    expect(bytes('x'.repeat(100))).toBeGreaterThan(100)
    expect(bytes({ a: 1, b: 'x'.repeat(50) })).toBeGreaterThan(bytes({ a: 1 }) + 50)
    expect(bytes([[1], [2]])).toBeGreaterThan(bytes([[1]]))
    expect(bytes(new Uint8Array(1_000))).toBeGreaterThan(1_000)
    expect(bytes(new Map([[1, 'x'.repeat(50)]]))).toBeGreaterThan(100)
    expect(bytes(new Set(['x'.repeat(50)]))).toBeGreaterThan(70)
    for (const value of [null, undefined, 5n, true, new Date(0)])
      expect(bytes(value)).toBeLessThan(100)
  })

  it('takes the rest of a large value to be like its beginning, and looks at no more', () => {
    const rows = Array.from({ length: 100_000 }, (_, n) => ({ n, text: `text ${n}` }))
    const few = bytes(rows.slice(0, 50))
    expect(bytes(rows) / few / 2_000).toBeCloseTo(1, 1)
    let looks = 0
    const trap = new Proxy(rows, {
      get(target, name) {
        looks++
        return Reflect.get(target, name) as unknown
      },
    })
    estimateSize(trap)
    expect(looks).toBeLessThan(600)
  })

  it('ends on a value that refers to itself', () => {
    const value: Record<string, unknown> = { n: 1 }
    value['self'] = value
    expect(bytes(value)).toBeLessThan(100_000)
  })

  it('tells whether there are strings that may be pieces of longer ones', () => {
    expect(estimateSize({ a: ['short'] }).hasText).toBe(false)
    expect(estimateSize({ a: ['longer than twelve'] }).hasText).toBe(true)
  })
})
