import { describe, expect, it } from 'vitest'
import { formatInstant, formatMs, formatTimestamp } from '../../runtime/time-text.ts'

describe('times for people', () => {
  it.each([
    [0, '0 ms'],
    [41.4, '41 ms'],
    [999.6, '1 s'],
    [1_234, '1.2 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_600, '1 min'],
    [185_000, '3 min 5 s'],
    [7_380_000, '2 h 3 min'],
    [273_600_000, '3 d 4 h'],
  ])('writes %d ms as %s', (ms, text) => expect(formatMs(ms)).toBe(text))

  it('writes timestamps in UTC, and those outside of any calendar as numbers', () => {
    expect(formatTimestamp(Date.UTC(2019, 0, 1, 3, 12, 45, 678))).toBe('2019-01-01 03:12:45')
    expect(formatInstant(Date.UTC(2019, 0, 1, 3, 12, 45, 678))).toBe('2019-01-01 03:12:45.678')
    expect([formatInstant(9e15), formatInstant(-1)]).toEqual([
      '9000000000000000',
      '1969-12-31 23:59:59.999',
    ])
    expect(formatTimestamp(9e15)).toBe('9000000000000000')
  })
})
