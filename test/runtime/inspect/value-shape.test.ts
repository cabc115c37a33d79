import { describe, expect, it } from 'vitest'
import { shapeOfValues } from '../../../runtime/inspect/value-shape.ts'

describe('what values look like', () => {
  it.each<[string, unknown[]]>([
    ['number', [1, 2]],
    ['null | number', [1, null]],
    ['{ cents: number, currency?: string }', [{ cents: 1 }, { currency: 'EUR', cents: 2 }]],
    [
      '{ at: Date, n: bigint | undefined }',
      [
        { n: 1n, at: new Date(0) },
        { at: new Date(1), n: undefined },
      ],
    ],
    ['Array<number | string>', [['a', 1], []]],
    ['Array<never>', [[]]],
    ['Map<string, { n: boolean }>', [new Map([['a', { n: true }]])]],
    ['Set<number>', [new Set([1])]],
    ['Uint8Array', [new Uint8Array(3)]],
    ['{ "a-b": string }', [{ 'a-b': '' }]],
    ['{}', [{}]],
    ['{ a: { b: { c: {…} } } }', [{ a: { b: { c: { d: 1 } } } }]],
  ])('is told as a type: %s', (shape, values) => {
    expect(shapeOfValues(values)).toBe(shape)
  })

  it('stays short, however many fields and elements there are', () => {
    const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`field${n}`, n]))
    expect(shapeOfValues([wide]).length).toBeLessThan(250)
    const long = Array.from({ length: 100_000 }, (_, n) => (n < 20 ? n : `${n}`))
    expect(shapeOfValues([long])).toBe('Array<number>')
  })
})
