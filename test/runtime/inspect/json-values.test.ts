import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromJson, type Json, toJson } from '../../../runtime/inspect/json-values.ts'
import { formsOf, keyText, parseKey } from '../../../runtime/inspect/key-text.ts'
import { canonicalKey } from '../../../runtime/key-encoding.ts'
import { anyKey, anyValue } from '../../harness/arbitrary-values.ts'
import { exactly } from '../../harness/exactly.ts'

/** Through text as well, where it has no escapes: V8 of Node 24 misreads names with escapes once it has met a name `\`. */
function through(value: unknown): unknown {
  const json = toJson(value)
  const text = JSON.stringify(json)
  return fromJson(text.includes('\\') ? json : (JSON.parse(text) as Json))
}

describe('values as JSON', () => {
  it('come back exactly as they were, of the whole type table (R18)', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(exactly(through(value))).toBe(exactly(value))
      }),
      { numRuns: 500 },
    )
  })

  it('look as the docs say', () => {
    expect(toJson({ a: [1, 'x', null, true] })).toEqual({ a: [1, 'x', null, true] })
    expect(toJson([undefined, -0, NaN, 5n])).toEqual([
      { $undefined: true },
      { $number: '-0' },
      { $number: 'NaN' },
      { $bigint: '5' },
    ])
    expect(toJson(new Date(0))).toEqual({ $date: '1970-01-01T00:00:00.000Z' })
    expect(toJson(new Uint8Array([1, 2]))).toEqual({ $bytes: 'AQI=' })
    expect(toJson(new Map([['a', new Set([1])]]))).toEqual({ $map: [['a', { $set: [1] }]] })
    expect(toJson({ $bytes: 1 })).toEqual({ $object: [['$bytes', 1]] })
  })

  it.each([
    { $what: 1 },
    { $map: [1] },
    { $bytes: 5 },
    { $set: {} },
    { $date: 'a', b: 1 },
    { $bigint: 'x' },
    { $bigint: '0x10' },
    { $number: 'seven' },
    { $date: 'yesterday' },
    { $undefined: 5 },
  ] as Json[])('refuse what is no form of them: %j', (json) => {
    expect(() => fromJson(json)).toThrow(
      expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }) as Error,
    )
  })
})

describe('keys as text (R19)', () => {
  it('are read as they are shown, whatever they are', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(canonicalKey(parseKey(keyText(key)))).toBe(canonicalKey(key))
      }),
    )
  })

  it('tell 1, "1" and 1n apart, and take other text for itself', () => {
    expect(parseKey('1')).toBe(1)
    expect(parseKey("'1'")).toBe('1')
    expect(parseKey('"1"')).toBe('1')
    expect(parseKey('1n')).toBe(1n)
    expect(parseKey('["a",1]')).toEqual(['a', 1])
    expect(parseKey('{"$bytes":"AQI="}')).toEqual(new Uint8Array([1, 2]))
    for (const text of ['user-7', 'true', 'null', '', '{"a":1}', "'", '1.2.3']) {
      expect(parseKey(text)).toBe(text)
    }
  })

  it('name all that a text may have been meant for', () => {
    expect(formsOf('42')).toEqual(['42', 42n, 42])
    expect(formsOf('"42"')).toEqual(['42', 42n, 42])
    expect(formsOf('42n')).toEqual(['42', 42n, 42])
    expect(formsOf('x')).toEqual(['x'])
  })
})
