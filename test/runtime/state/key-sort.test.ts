import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../runtime/checkpoint/entry-order.ts'
import { KeySort } from '../../../runtime/state/key-sort.ts'

/** Keys as runs have them: behind a byte of their own each, with a value behind. */
function sorted(keys: readonly Uint8Array[]): KeySort {
  const bytes: number[] = []
  const places: number[] = []
  for (const [i, key] of keys.entries()) {
    places.push(bytes.length)
    bytes.push(i & 0xff, ...key)
    places.push(bytes.length)
    bytes.push(7, 255 - (i & 0xff))
  }
  return new KeySort(Uint8Array.from(bytes), Uint32Array.from(places), keys.length)
}

function expectSorted(keys: readonly Uint8Array[]): void {
  const { order, hasEqual } = sorted(keys)
  const expected = keys.map((_, i) => i).sort((a, b) => compareKeys(keys[a]!, keys[b]!) || a - b)
  expect([...order]).toEqual(expected)
  const texts = keys.map((key) => key.join())
  expect(hasEqual).toBe(new Set(texts).size < texts.length)
}

const few = fc.constantFrom(0, 1, 255)

/** Some have long beginnings in common, some are the beginning of others, some are equal. */
const keys: fc.Arbitrary<Uint8Array[]> = fc
  .record({
    stems: fc.array(fc.array(few, { maxLength: 30, size: 'max' }), { minLength: 1, maxLength: 4 }),
    ends: fc.array(fc.tuple(fc.nat(3), fc.nat(30), fc.array(few, { maxLength: 4 })), {
      maxLength: 80,
      size: 'max',
    }),
  })
  .map(({ stems, ends }) =>
    ends.map(([stem, length, end]) =>
      Uint8Array.from([...stems[stem % stems.length]!.slice(0, length), ...end]),
    ),
  )

describe('KeySort', () => {
  it('sorts by bytes, what is the beginning of another before it, equal keys in order of arrival (R17)', () => {
    fc.assert(fc.property(keys, expectSorted))
  })

  it('sorts keys of any bytes', () => {
    const any = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 100, size: 'max' })
    fc.assert(fc.property(any, expectSorted))
  })

  it('sorts as many keys as a run has, and more, all alike in the beginning', () => {
    for (const count of [2_048, 9_000]) {
      const numbered = Array.from({ length: count }, (_, i) => {
        const n = (i * 7_919) % count
        return Uint8Array.of(0, 1, 0, 9, 16, 192, n >>> 8, n & 0xff, 0, 0, n % 3, 0)
      })
      expectSorted(numbered)
      expectSorted([...numbered, ...numbered.slice(0, 100)])
    }
  })

  it('says nothing of no keys', () => {
    expectSorted([])
    expectSorted([Uint8Array.of(1)])
  })
})
