import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldName, nameProblem } from '../../runtime/names.ts'

describe('nameProblem', () => {
  test('accepts exactly what the pattern allows, but for the devices of Windows (N25)', () => {
    const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
    const device = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i
    const letters = fc.constantFrom(...'aZ0._- /\\:äconCONulN1'.split(''))
    const names = fc.oneof(fc.string(), fc.string({ unit: letters, maxLength: 105 }))
    fc.assert(
      fc.property(names, (name) => {
        expect(nameProblem(name) === undefined).toBe(pattern.test(name) && !device.test(name))
      }),
    )
  })

  test.each<[unknown, string]>([
    ['', 'which is empty'],
    [7, 'which is no string but of type number'],
    ['aux', 'which is the name of a device on Windows'],
    ['Lpt1.txt', 'which is the name of a device on Windows'],
    ['x'.repeat(101), 'which has more than 100 characters'],
    ['a\n', 'which has other characters than letters'],
  ])('says what is wrong with %j', (name, text) => {
    expect(nameProblem(name)).toContain(text)
  })

  test('upper and lower case are the same name (N25)', () => {
    expect(foldName('Small-Then.LARGE')).toBe(foldName('small-then.large'))
    expect(foldName('a-b')).not.toBe(foldName('a_b'))
  })
})
