import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../runtime/bytes.ts'
import { StreamError } from '../../runtime/errors.ts'
import {
  canonicalKey,
  decodeKey,
  encodeKey,
  keyProblem,
  storedCanonicalKey,
  writeKey,
} from '../../runtime/key-encoding.ts'
import type { Key } from '../../runtime/key.ts'
import { anyKey } from '../harness/arbitrary-values.ts'
import { exactly } from '../harness/exactly.ts'

/** A key as text in which −0 is 0, since these are one key. */
const textOf = (key: Key): string =>
  exactly(key)
    .replaceAll('-0,', '0,')
    .replace(/-0(?=\]|$)/g, '0')

const RANK = ['number', 'bigint', 'string', 'bytes', 'tuple']

function rankOf(key: Key): number {
  if (typeof key !== 'object') return RANK.indexOf(typeof key)
  return key instanceof Uint8Array ? 3 : 4
}

/** The documented order, from the values. */
function compareKeys(one: Key, other: Key): number {
  const byRank = rankOf(one) - rankOf(other)
  if (byRank !== 0) return Math.sign(byRank)
  if (typeof one !== 'object') return one < other ? -1 : one > other ? 1 : 0
  const [left, right] = [one as readonly Key[], other as readonly Key[]]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const byElement = compareKeys(left[i]!, right[i]!)
    if (byElement !== 0) return byElement
  }
  return Math.sign(left.length - right.length)
}

const SAMPLES: Key[] = [
  1,
  '1',
  1n,
  [1],
  ['1'],
  [[1]],
  [],
  '',
  0,
  0n,
  [''],
  [[], []],
  [[[]]],
  ['a', 'b'],
  ['ab'],
  ['a', 'b', ''],
  ['a\0b'],
  'a\0',
  'a',
  'a',
  'a',
  '\0',
  '\0s',
  '\0k',
  new Uint8Array(),
  new Uint8Array([0]),
  new Uint8Array([1]),
  new Uint8Array([1, 1]),
  'ÿ',
  '￿',
  -1,
  0.5,
  -0.5,
  2 ** 53,
  Infinity,
  -Infinity,
  Number.MIN_VALUE,
  2n ** 2100n,
  -(2n ** 2100n),
  '😀',
  '\ud800',
  '\udc00',
  '',
  -1n,
  -255n,
  -256n,
  255n,
  256n,
]

describe('encoding of keys', () => {
  it('gives every key back (R19)', () => {
    const check = (key: Key): void => {
      const bytes = encodeKey(key)
      const { key: decoded, end } = decodeKey(bytes)
      expect(exactly(decoded)).toBe(textOf(key))
      expect(end).toBe(bytes.length)
    }
    SAMPLES.forEach(check)
    fc.assert(fc.property(anyKey, check), { numRuns: 500 })
  })

  it('makes −0 the same key as 0 (R19)', () => {
    expect(encodeKey(-0)).toEqual(encodeKey(0))
    expect(encodeKey([-0])).toEqual(encodeKey([0]))
    expect(Object.is(canonicalKey(-0), 0)).toBe(true)
    expect(canonicalKey([-0])).toBe(canonicalKey([0]))
  })

  it('sorts as the keys do: numbers, bigints, strings, bytes, tuples (R17)', () => {
    const check = (one: Key, other: Key): void => {
      const order = Buffer.compare(encodeKey(one), encodeKey(other))
      expect([textOf(one), textOf(other), order]).toEqual([
        textOf(one),
        textOf(other),
        compareKeys(one, other),
      ])
    }
    for (const one of SAMPLES) for (const other of SAMPLES) check(one, other)
    fc.assert(fc.property(anyKey, anyKey, check), { numRuns: 1_000 })
    const alike = fc.string({
      unit: fc.constantFrom('\0', '\x01', '\x02', 'a', '\ud800', '\uffff'),
    })
    fc.assert(fc.property(alike, alike, check), { numRuns: 1_000 })
    fc.assert(fc.property(fc.bigInt(), fc.bigInt(), check))
    fc.assert(fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), check))
  })

  it('ends where it ends, whatever follows', () => {
    fc.assert(
      fc.property(anyKey, anyKey, fc.uint8Array(), (first, second, tail) => {
        const writer = new ByteWriter(1)
        writer.u8(7)
        writeKey(writer, first)
        writeKey(writer, second)
        writer.append(tail)
        const bytes = writer.copy()
        const one = decodeKey(bytes, 1)
        const two = decodeKey(bytes, one.end)
        expect(exactly([one.key, two.key])).toBe(`[${textOf(first)}, ${textOf(second)}]`)
        expect(two.end).toBe(bytes.length - tail.length)
      }),
    )
  })

  it('begins with neither 00 nor FF, so that a caller can put something before and behind all keys', () => {
    for (const key of SAMPLES) expect([0, 0xff]).not.toContain(encodeKey(key)[0])
  })

  it('fails with a coded error on damaged bytes, or gives some key (N25)', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(), fc.nat(255), fc.nat(), (key, at, byte, cut) => {
        const bytes = encodeKey(key)
        bytes[at % bytes.length] = byte
        try {
          expect(
            keyProblem(decodeKey(bytes.subarray(0, 1 + (cut % bytes.length))).key),
          ).toBeUndefined()
        } catch (error) {
          expect((error as StreamError).code).toBe('MR_CHECKPOINT_CORRUPT')
        }
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('canonical key', () => {
  it('is the string, number or bigint itself', () => {
    for (const key of ['card', '', 5, 1.5, Infinity, 7n]) expect(canonicalKey(key)).toBe(key)
  })

  it('is equal exactly when the keys are (R19)', () => {
    const check = (one: Key, other: Key): void => {
      const map = new Map([[canonicalKey(one), true]])
      expect([textOf(one), textOf(other), map.has(canonicalKey(other))]).toEqual([
        textOf(one),
        textOf(other),
        textOf(one) === textOf(other),
      ])
    }
    for (const one of SAMPLES) for (const other of SAMPLES) check(one, other)
    fc.assert(fc.property(anyKey, anyKey, check))
    // What a tuple becomes is a string or a number, but not one that another key can become.
    for (const key of SAMPLES) check(key, canonicalKey(key))
  })

  it('of two whole numbers is a number that no other key has (R19)', () => {
    const edges = [0, -0, 1, 2, 2 ** 26 - 1, 2 ** 26, -1, 0.5, 2 ** 52, -(2 ** 52) - 0.5]
    const number = fc.oneof(fc.constantFrom(...edges), fc.nat(2 ** 26), fc.integer())
    const key = fc.oneof(
      fc.tuple(number, number),
      fc.tuple(number, number).map(canonicalKey),
      fc.integer().map((half) => half / 2),
    )
    fc.assert(
      fc.property(key, key, (one, other) => {
        // Its own canonical form is a key as closely related as can be.
        for (const another of [other, canonicalKey(one)]) {
          const isSame = textOf(one) === textOf(another)
          expect(Object.is(canonicalKey(one), canonicalKey(another))).toBe(isSame)
        }
      }),
      { numRuns: 1_000 },
    )
    expect(typeof canonicalKey([2 ** 26 - 1, 2 ** 26 - 1])).toBe('number')
    expect(typeof canonicalKey([2 ** 26, 0])).toBe('string')
  })

  it('is another one where it is stored, which must not change', () => {
    const of = [5, -1.5, 7n, 'card', '\0', new Uint8Array([1]), [1, 2]] satisfies Key[]
    expect(of.map((key) => storedCanonicalKey(key))).toEqual([
      ...[5, -1.5, 7n, 'card', '\0s\0'],
      '\0k@\x01\x02\0',
      '\0kP\x10\xbf\xf0\0\0\0\0\0\0\x10\xc0\0\0\0\0\0\0\0\0',
    ])
  })
})

describe('problem of a key', () => {
  it('is none for every key (R19)', () => {
    fc.assert(fc.property(anyKey, (key) => keyProblem(key) === undefined))
    expect(keyProblem(Buffer.from('x'))).toBeUndefined()
  })

  it('says what is wrong and where in a tuple', () => {
    let deep: unknown = 'x'
    for (let i = 0; i < 17; i++) deep = [deep]
    const cycle: unknown[] = []
    cycle.push(cycle)
    const cases: [unknown, string][] = [
      [undefined, 'undefined'],
      [null, 'null'],
      [NaN, 'NaN'],
      [true, 'a boolean (true)'],
      [Symbol('s'), 'a symbol'],
      [() => 1, 'a function'],
      [{}, 'an object'],
      [new Date(), 'an object'],
      [new Int8Array(1), 'an object'],
      [['a', undefined], 'undefined at [1]'],
      [[1, ['x', [{}]]], 'an object at [1][1][0]'],
      [deep, 'a tuple nested more than 16 deep'],
      [cycle, 'a tuple nested more than 16 deep'],
    ]
    for (const [key, problem] of cases) expect(keyProblem(key)).toBe(problem)
  })

  it('is told for what is no key at any place of a tuple, beside whatever keys (R19)', () => {
    const isNone = fc.constantFrom(NaN, undefined, null, false, {})
    const keys = fc.array(anyKey, { maxLength: 3, size: 'max' })
    fc.assert(
      fc.property(keys, isNone, keys, (before, none, behind) => {
        const problem = keyProblem([...before, none, ...behind])
        expect(problem).toMatch(new RegExp(` at \\[${before.length}\\]$`))
      }),
      { numRuns: 1_000 },
    )
  })
})
