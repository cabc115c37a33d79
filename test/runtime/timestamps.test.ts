import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TimestampCheck } from '../../runtime/timestamps.ts'

function check(...timestamps: unknown[]): string[] {
  const warnings: string[] = []
  const checked = new TimestampCheck((message) => warnings.push(message))
  for (const timestamp of timestamps) checked.check(timestamp as number)
  return warnings
}

describe('TimestampCheck', () => {
  test('passes integers of milliseconds, and -Infinity for none, without a word (N6)', () => {
    expect(check(1_700_000_000_000, 100_000_000_000, Number.MAX_SAFE_INTEGER, -Infinity)).toEqual(
      [],
    )
  })

  test.each<[unknown, string]>([
    [new Date(0), 'a Date (use its getTime())'],
    [Number.NaN, 'NaN (number)'],
    [1.5, '1.5 (number)'],
    [Infinity, 'Infinity (number)'],
    [2 ** 53, '9007199254740992 (number)'],
    ['2024', '"2024" (string)'],
    [10n, '10 (bigint)'],
    [undefined, 'undefined (undefined)'],
    [null, 'null'],
    [{}, 'an object'],
  ])('refuses %s (N6)', (timestamp, shown) => {
    expect(() => check(timestamp)).toThrow(
      expect.objectContaining({
        code: 'MR_TIMESTAMP_INVALID',
        message: expect.stringContaining(`the timestamp ${shown},`) as string,
      }),
    )
  })

  test('warns once, at the first that looks like seconds (N6)', () => {
    expect(check(1_700_000_000, 1_700_000_001, 5)).toEqual([
      expect.stringContaining('the timestamp 1700000000, which is Tue, 20 Jan 1970 16:13:20 GMT'),
    ])
    fc.assert(
      fc.property(fc.maxSafeInteger(), (timestamp) => {
        expect(check(timestamp, timestamp).length).toBe(timestamp < 100_000_000_000 ? 1 : 0)
      }),
    )
  })
})
