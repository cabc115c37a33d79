import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { float64, int32, int64 } from '../../../connectors/formats/number-formats.ts'
import type { MessageFormat } from '../../../connectors/message-format.ts'
import { problemOf, read, survives, write } from '../messages.ts'

describe.each<[string, MessageFormat<unknown>, fc.Arbitrary<unknown>, unknown, string, unknown[]]>([
  ['int32', int32(), fc.integer(), -2, 'fffffffe', [2 ** 31, 1.5, '1', 1n, Number.NaN]],
  [
    'int64',
    int64(),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    -2n,
    'fffffffffffffffe',
    [1, 2n ** 63n],
  ],
  ['float64', float64(), fc.double(), 0.5, '3fe0000000000000', ['1', 1n, undefined, null]],
])('messages of %s', (_, format, values, one, hex, refused) => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(values, (value) => void expect(read(format, write(format, value))).toBe(value)),
    )
    expect(write(format, one).toString('hex')).toBe(hex)
  })

  it('are bad when they are of another length', () => {
    expect(problemOf(format, '')).toContain('has 0 bytes')
    fc.assert(fc.property(fc.uint8Array({ maxLength: 10 }), (bytes) => survives(format, bytes)))
  })

  it('cannot be anything else', () => {
    for (const value of refused) {
      expect(() => write(format, value)).toThrow(
        expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }),
      )
    }
  })
})
