import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../runtime/bytes.ts'
import { StreamError } from '../../runtime/errors.ts'
import { checkValue, decodeValue, encodeValue, writeValue } from '../../runtime/value-codec.ts'
import { HOSTILE_NAMES, anyValue, bareObjectOf, objectOf } from '../harness/arbitrary-values.ts'
import { exactly } from '../harness/exactly.ts'

class Point {
  x = 1
}

const roundTrip = (value: unknown): unknown => decodeValue(encodeValue(value, 'value'))

/** What the codec and the check say; they must agree. */
function refusal(value: unknown): string {
  const errors = [() => checkValue(value, 'record'), () => encodeValue(value, 'record')].map(
    (run) => {
      try {
        run()
        return 'accepted'
      } catch (error) {
        expect(error).toBeInstanceOf(StreamError)
        expect((error as StreamError).code).toBe('MR_VALUE_UNSUPPORTED')
        return (error as StreamError).message
      }
    },
  )
  expect(errors[0]).toBe(errors[1])
  return errors[0]!.split(';')[0]!
}

describe('value codec', () => {
  it('gives back exactly every value of the type table (R18)', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        checkValue(value, 'value')
        expect(exactly(roundTrip(value))).toBe(exactly(value))
      }),
      { numRuns: 500 },
    )
  })

  it('tells objects apart by all their names, however many others it has just written (R18)', () => {
    // Of the same number and lengths, so that they are remembered at the same places.
    const name = fc.constantFrom('ab', 'ba', 'bb', '', 'é1', '\u4e00x', '__proto__', 'constructor')
    const object = fc
      .uniqueArray(name, { maxLength: 4 })
      .map((names) => objectOf(names.map((one, i) => [one, i] as const)))
    const lists = fc.array(object, { minLength: 20, maxLength: 60 })
    fc.assert(
      fc.property(lists, (values) => {
        for (const value of values) expect(exactly(roundTrip(value))).toBe(exactly(value))
        const nested = { list: values }
        expect(exactly(roundTrip(nested))).toBe(exactly(nested))
      }),
    )
  })

  it('writes names that are too long to be remembered, and objects of hundreds of fields (R18)', () => {
    for (const count of [1, 40, 400]) {
      const value = Object.fromEntries(Array.from({ length: count }, (_, i) => [`field ${i}`, i]))
      const long = { [`n${'x'.repeat(2_000)}`]: count }
      for (const one of [value, long, value, long]) {
        expect(exactly(roundTrip(one))).toBe(exactly(one))
      }
    }
  })

  it('keeps what JSON and others lose (R18)', () => {
    const cases: unknown[] = [
      undefined,
      null,
      -0,
      NaN,
      Infinity,
      2n ** 200n,
      -(2n ** 64n),
      '\ud800 lone',
      new Date(NaN),
      new Date(0),
      new Uint8Array([0, 255]),
      { a: undefined, b: null },
      {},
      [undefined, [], [[]]],
      new Map<unknown, unknown>([
        [{ a: 1 }, new Set([1, '1', 1n])],
        [undefined, null],
      ]),
      'x'.repeat(100_000),
      'é'.repeat(70_000),
      Array.from({ length: 50 }, (_, i) => ({ id: i, name: `n${i}` })),
      Array.from({ length: 50 }, (_, i) => ({ [`k${i}`]: i })),
    ]
    for (const value of cases) expect(exactly(roundTrip(value))).toBe(exactly(value))
  })

  it('takes hostile names of fields as names (N26)', () => {
    const value = objectOf(HOSTILE_NAMES.map((name, index) => [name, index]))
    expect(exactly(roundTrip(value))).toBe(exactly(value))
    const nested = objectOf([['__proto__', bareObjectOf([['__proto__', { polluted: true }]])]])
    expect(exactly(roundTrip(nested))).toBe(exactly(nested))
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('takes a Buffer as bytes and gives back bytes of their own memory', () => {
    const decoded = roundTrip(Buffer.from('abc')) as Uint8Array
    expect(exactly(decoded)).toBe('bytes(97 98 99)')
    const encoded = encodeValue({ b: new Uint8Array(3) }, 'value')
    const { b } = decodeValue(encoded) as { b: Uint8Array }
    expect(b.buffer).not.toBe(encoded.buffer)
    expect(b.buffer.byteLength).toBe(3)
  })

  it('refuses everything else, naming the path of the field (R18)', () => {
    const symbol = Symbol('s')
    const cycle: Record<string, unknown> = { list: [1] }
    ;(cycle['list'] as unknown[]).push({ back: cycle })
    const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 2 })
    const extra = Object.assign([1, 2], { more: true })
    const cases: [unknown, string][] = [
      [() => 1, 'record is a function'],
      [
        { items: [0, 1, 2, { when: function later() {} }] },
        'record.items[3].when is a function (later)',
      ],
      [symbol, 'record is a symbol'],
      [{ p: new Point() }, 'record.p is an instance of Point'],
      [{ e: new TypeError('x') }, 'record.e is a TypeError'],
      [[/x/], 'record[0] is a RegExp'],
      [{ 'first name': new Float64Array(2) }, 'record["first name"] is a Float64Array'],
      [{ b: new ArrayBuffer(2) }, 'record.b is an instance of ArrayBuffer'],
      [{ p: Promise.resolve(1) }, 'record.p is a Promise'],
      [{ a: [1, , 3] }, 'record.a[1] is a hole in an array'], // eslint-disable-line no-sparse-arrays
      [cycle, 'record.list[1].back refers to a value that it is part of'],
      [
        {
          get now() {
            return 1
          },
        },
        'record.now is an accessor (get or set)',
      ],
      [{ [symbol]: 1 }, 'record[Symbol(s)] is a field named by a symbol'],
      [hidden, 'record.b is a field that is not enumerable'],
      [extra, 'record.more is a field of an array'],
      [/(?<a>x)/.exec('x'), 'record.index is a field of an array'],
      [Object.assign(new Map(), { more: 1 }), 'record.more is a field of a Map'],
      [new Map([['k', new Map([[1, () => 1]])]]), 'record.get("k").get(1) is a function'],
      [new Map([[{ f: symbol }, 1]]), 'record.keys()[0].f is a symbol'],
      [new Set([1, new Point()]), 'record.values()[1] is an instance of Point'],
      [new (class Big extends Map {})(), 'record is an instance of Big'],
      [new (class Bytes extends Uint8Array {})(1), 'record is a Bytes'],
      [Object.create({ inherited: 1 }), 'record is an instance of Object'],
      [bareObjectOf([['__proto__', symbol]]), 'record.__proto__ is a symbol'],
    ]
    for (const [value, expected] of cases) expect(refusal(value)).toBe(`${expected}`)
  })

  it('refuses what is nested more than 100 levels deep, instead of overflowing the stack', () => {
    const nest = (levels: number): unknown => {
      let value: unknown = 'core'
      for (let i = 0; i < levels; i++) value = { in: value }
      return value
    }
    expect(exactly(roundTrip(nest(100)))).toBe(exactly(nest(100)))
    expect(refusal(nest(101))).toMatch(/^record(\.in){100} is nested more than 100 levels deep$/)
    expect(refusal(nest(20_000))).toMatch(/is nested more than 100 levels deep$/)
  })

  it('leaves nothing of a refused value behind, and encodes the next one correctly', () => {
    const writer = new ByteWriter()
    writeValue(writer, 'before', 'value')
    const before = writer.copy()
    expect(() => writeValue(writer, ['x', Symbol('x')], 'value')).toThrow('value[1] is a symbol')
    expect(writer.copy()).toEqual(before)
    expect(refusal([{ a: 1 }, { a: 1 }, Symbol('x')])).toContain('record[2]')
    expect(exactly(roundTrip([{ a: 1 }, { a: 2 }]))).toBe(exactly([{ a: 1 }, { a: 2 }]))
  })
})

describe('decoding damaged bytes', () => {
  const isCoded = (run: () => unknown): void => {
    try {
      run()
    } catch (error) {
      expect(error).toBeInstanceOf(StreamError)
      expect((error as StreamError).code).toBe('MR_CHECKPOINT_CORRUPT')
    }
  }

  it('ends in a value or in a coded error, whatever was flipped (N25)', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, mask) => {
        const bytes = encodeValue(value, 'value')
        bytes[at % bytes.length]! ^= mask
        isCoded(() => decodeValue(bytes))
      }),
      { numRuns: 2_000 },
    )
  })

  it('ends in a value or in a coded error on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => isCoded(() => decodeValue(bytes))),
      { numRuns: 2_000 },
    )
  })

  it('fails on every truncation, and on bytes left over', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), (value, cut) => {
        const bytes = encodeValue(value, 'value')
        const short = bytes.subarray(0, cut % bytes.length)
        expect(() => decodeValue(short)).toThrow(StreamError)
        expect(() => decodeValue(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow('left over')
      }),
    )
  })

  it('does not believe a length that the bytes cannot hold', () => {
    for (const tag of [0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x12]) {
      expect(() => decodeValue(new Uint8Array([tag, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toThrow(
        StreamError,
      )
    }
    expect(() =>
      decodeValue(new Uint8Array(5_000).fill(0x0d, 0).map((_, i) => (i % 2 ? 1 : 0x0d))),
    ).toThrow('nested')
  })
})
