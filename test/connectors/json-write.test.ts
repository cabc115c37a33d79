import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeJsonLine } from '../../connectors/json-write.ts'

class Point {
  x = 1
}

/** Values that JSON holds as they are. */
const jsonValue = fc.jsonValue({ maxDepth: 4 })

/** Values with something in them that JSON would change in silence. */
const { tree: hostile } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.constantFrom<unknown>(
    Number.NaN,
    Infinity,
    -Infinity,
    new Map(),
    new Set([1]),
    () => 1,
    Symbol('s'),
    new Point(),
    new Date(Number.NaN),
    new Uint8Array(2),
    /x/,
    new Error('x'),
    Object(1),
    [undefined],
    Object.assign([], { length: 2 }),
  ),
  tree: fc.oneof(
    { depthSize: 'small' },
    tie('leaf'),
    fc.tuple(jsonValue, tie('tree')),
    fc.record({ a: jsonValue, b: tie('tree'), c: fc.constant(1n) }),
  ),
}))

describe('encodeJsonLine', () => {
  it('writes what JSON holds as JSON.stringify does, on one line', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const line = encodeJsonLine(value)
        expect(line).toBe(`${JSON.stringify(value)}\n`)
        expect(line.indexOf('\n')).toBe(line.length - 1)
      }),
    )
  })

  it.each([
    [{ a: undefined, b: null }, '{"b":null}'],
    [-0, '0'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['\ud800', '"\\ud800"'],
    [{ text: 'a\n"b"\r\u0000' }, '{"text":"a\\n\\"b\\"\\r\\u0000"}'],
    [JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    [1e21, '1e+21'],
    ['', '""'],
  ])('writes %o as %s (N3)', (value, text) => {
    expect(encodeJsonLine(value)).toBe(`${text}\n`)
  })

  it('writes bigints as exact integers, wherever they are (N3)', () => {
    fc.assert(
      fc.property(fc.bigInt(), (n) => {
        expect(encodeJsonLine(n)).toBe(`${n}\n`)
        expect(encodeJsonLine({ a: [n, { n }], at: new Date(0), s: '1' })).toBe(
          `{"a":[${n},{"n":${n}}],"at":"1970-01-01T00:00:00.000Z","s":"1"}\n`,
        )
      }),
    )
  })

  it('refuses whatever JSON would change in silence (N3)', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        expect(() => encodeJsonLine(value)).toThrow(
          expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }),
        )
      }),
    )
  })

  const endless: { self?: unknown } = {}
  endless.self = { inner: endless }

  it.each([
    [undefined, '', 'the record is undefined'],
    [Number.NaN, '', 'the record is NaN (number)'],
    [{ sums: [1, { mean: Infinity }] }, 'sums[1].mean', 'field sums[1].mean is Infinity (number)'],
    [{ 'first name': new Map() }, '["first name"]', 'an instance of Map'],
    [{ a: { b: new Uint8Array(1) } }, 'a.b', 'bytes (Uint8Array)'],
    [[undefined], '[0]', 'field [0] is undefined'],
    [{ f: () => 1 }, 'f', 'field f is a function'],
    [{ p: new Point() }, 'p', 'an instance of Point'],
    [{ at: new Date(Number.NaN) }, 'at', 'an invalid Date'],
    [endless, expect.stringMatching(/^self\.inner\.self/), 'contains itself'],
  ])('names the field of %o', (value, path, part) => {
    expect(() => encodeJsonLine(value)).toThrow(
      expect.objectContaining({
        name: 'StreamError',
        code: 'MR_VALUE_UNSUPPORTED',
        message: expect.stringContaining(part),
        fields: expect.objectContaining({ path }),
      }),
    )
  })
})
