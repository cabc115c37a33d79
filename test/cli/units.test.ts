import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fit, formatBytes, formatCount, formatNumberOf } from '../../cli/units.ts'

describe('figures for people', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [1_234_567.4, '1,234,567'],
  ])('counts %d as %s', (count, text) => expect(formatCount(count)).toBe(text))

  it('knows one from several', () => {
    expect(formatNumberOf(1, 'row')).toBe('1 row')
    expect(formatNumberOf(0, 'row')).toBe('0 rows')
    expect(formatNumberOf(2_000, 'entry', 'entries')).toBe('2,000 entries')
  })

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [41_234, '41.2 kB'],
    [412_345, '412 kB'],
    [999_600, '1.00 MB'],
    [1_370_005, '1.37 MB'],
    [3.2e15, '3200 TB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it('never exceeds the columns it is given', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 20 }), (text, columns) => {
        const short = fit(text, columns)
        expect(short.length).toBeLessThanOrEqual(columns)
        if (text.length <= columns) expect(short).toBe(text)
      }),
    )
    expect(fit('abcdef', 4)).toBe('abc…')
  })
})
