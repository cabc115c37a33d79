import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { avro } from '../../../connectors/formats/avro-format.ts'
import type { AvroSchema } from '../../../connectors/formats/avro-codec.ts'
import { expectPlain, problemOf, read, survives, write } from '../messages.ts'

const everything = {
  type: 'record',
  name: 'shop.Everything',
  fields: [
    { name: 'flag', type: 'boolean' },
    { name: 'small', type: 'int' },
    { name: 'large', type: 'long' },
    { name: 'half', type: 'float' },
    { name: 'whole', type: 'double' },
    { name: 'text', type: 'string' },
    { name: 'data', type: 'bytes' },
    { name: 'maybe', type: ['null', 'string', 'bytes', 'long'] },
    { name: 'either', type: ['int', 'double', 'string'] },
    { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'GREEN'] } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'list', type: { type: 'array', items: ['null', 'Hash'] } },
    { name: 'map', type: { type: 'map', values: 'string' } },
    { name: 'next', type: ['null', 'Everything'] },
  ],
}

const text = fc.string({ unit: 'binary' })
const own = (length?: number) =>
  fc.uint8Array(length === undefined ? {} : { minLength: length, maxLength: length })

function values(long: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    record: fc.record(
      {
        flag: fc.boolean(),
        small: fc.integer(),
        large: long,
        half: fc.float(),
        whole: fc.double(),
        text,
        data: own(),
        maybe: fc.oneof(fc.constant(null), text, own(), long),
        either: fc.oneof(
          fc.integer().map((int) => ({ int })),
          fc.double().map((double) => ({ double })),
          text.map((string) => ({ string })),
        ),
        color: fc.constantFrom('RED', 'GREEN'),
        hash: own(4),
        list: fc.array(fc.option(own(4))),
        map: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), text, {
          noNullPrototype: true,
        }),
        next: fc.option(tie('record'), { maxDepth: 2 }),
      },
      { noNullPrototype: true },
    ),
  }))['record']!
}

const numbers = values(fc.maxSafeInteger())
const bigints = values(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))

describe('avro messages', () => {
  it.each([
    ['number', numbers],
    ['bigint', bigints],
  ] as const)('are read as they were written, longs as %s, in plain objects', (longs, all) => {
    const format = avro({ schema: everything, longs })
    fc.assert(
      fc.property(all, (value) => {
        const found = read(format, write(format, value))
        expect(found).toStrictEqual(value)
        expectPlain(found)
      }),
      { numRuns: 200 },
    )
  })

  it('are what any other Avro writes and reads', () => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'long' }] }
    const other = avsc.Type.forSchema(schema as never)
    expect(write(avro({ schema }), { a: 5 })).toEqual(other.toBuffer({ a: 5 }))
    expect(read(avro({ schema }), other.toBuffer({ a: 5 }))).toEqual({ a: 5 })
    expect(write(avro({ schema: '"string"' }), 'é').toString('latin1')).toBe('\u0004Ã©')
    expect(read(avro({ schema: 'string' }), Buffer.from('04c3a9', 'hex'))).toBe('é')
  })

  it('are plain objects too where the schema is an exception of a protocol', () => {
    const format = avro({ schema: { ...record([['stack', 'string']]), type: 'error' } })
    expect(read(format, write(format, { stack: 'a' }))).toStrictEqual({ stack: 'a' })
  })

  it('are resolved from the schema that they were written with', () => {
    const older = record([
      ['a', 'int'],
      ['gone', { type: 'array', items: { type: 'map', values: 'string' } }],
      ['b', ['null', 'string']],
    ])
    // Names are compared without their namespaces, as other implementations do.
    const newer = record(
      [
        ['a', 'long'],
        ['b', ['null', 'string']],
      ],
      'store.R',
    )
    newer.fields.push({ name: 'added', type: 'string', default: 'none' } as never)
    const bytes = write(avro({ schema: older }), { a: 7, gone: [{ x: 'y' }, {}], b: 'text' })
    for (const longs of ['number', 'bigint'] as const) {
      const format = avro({ schema: newer, writerSchema: older, longs })
      const a = longs === 'bigint' ? 7n : 7
      expect(read(format, bytes)).toStrictEqual({ a, b: 'text', added: 'none' })
    }
    const other = record([['c', 'string']])
    expect(() => avro({ schema: other, writerSchema: older })).toThrow(
      expect.objectContaining({ code: 'MR_FORMAT_INVALID' }),
    )
  })

  it('do not round longs in silence', () => {
    const bytes = write(avro({ schema: 'long', longs: 'bigint' }), 2n ** 53n + 1n)
    expect(problemOf(avro({ schema: 'long' }), bytes)).toContain('a long is beyond 2^53')
    expect(() => write(avro({ schema: 'long' }), 2 ** 53)).toThrow(code('MR_VALUE_UNSUPPORTED'))
    const wide = avro({ schema: 'long', longs: 'bigint' })
    expect(() => write(wide, 2n ** 63n)).toThrow(code('MR_VALUE_UNSUPPORTED'))
    expect(() => write(wide, 5)).toThrow(code('MR_VALUE_UNSUPPORTED'))
    expect(problemOf(avro({ schema: 'int' }), write(wide, 2n ** 40n))).toContain('32 bits')
  })

  it('write and read longs as they are, up to 2^53 as numbers and up to 2^63 as bigints', () => {
    const edges = [51, 52, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
    const near = edges.flatMap((n) => [n, -n, -n - 1, n - 2]).filter(Number.isSafeInteger)
    const one = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(...near), fc.integer())
    const [narrow, wide] = [avro({ schema: 'long' }), avro({ schema: 'long', longs: 'bigint' })]
    fc.assert(
      fc.property(one, (n) => {
        expect(write(narrow, n)).toEqual(write(wide, BigInt(n)))
        expect(read(narrow, write(wide, BigInt(n)))).toBe(n)
      }),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        if (Number.isSafeInteger(Number(n))) expect(read(narrow, write(wide, n))).toBe(Number(n))
        else expect(problemOf(narrow, write(wide, n))).toContain('beyond 2^53')
      }),
    )
  })

  it.each<[AvroSchema, unknown, string]>([
    [
      record([['a', record([['b', 'double']], 'Inner')]]),
      { a: { b: '5' } },
      'field a.b is "5" (string), where the schema has double',
    ],
    [record([['a', 'string']]), {}, 'field a is undefined, where the schema has string'],
    [record([['a', 'string']]), { a: '\ud800' }, 'field a is "\\ud800" (string)'],
    [
      { type: 'enum', name: 'E', symbols: ['A'] },
      'constructor',
      'the value is "constructor" (string), where the schema has enum E',
    ],
    [['null', 'string'], 5, 'the value is 5 (number), where the schema has a union'],
    [record([['a', 'string']]), undefined, 'the value is undefined'],
    [{ type: 'fixed', name: 'F', size: 2 }, new Uint8Array(3), 'where the schema has fixed F'],
    ['long', 5.5, 'the value is 5.5 (number), where the schema has long'],
    ['int', 2 ** 31, 'the value is 2147483648 (number), where the schema has int'],
  ])('of %j cannot be %j', (schema, value, problem) => {
    expect(() => write(avro({ schema }), value)).toThrow(
      expect.objectContaining({
        code: 'MR_VALUE_UNSUPPORTED',
        message: expect.stringContaining(problem),
      }),
    )
  })

  it('survive any bytes, with and without another schema', () => {
    const nested = {
      type: 'array',
      items: { type: 'map', values: { type: 'array', items: 'null' } },
    }
    const skipping = avro({
      schema: record([['z', ['null', 'string']]]),
      writerSchema: record([
        ['a', nested],
        ['b', everything],
        ['z', ['null', 'string']],
      ]),
    })
    const formats = [avro({ schema: everything }), avro({ schema: nested }), skipping]
    const damaged = fc.tuple(numbers, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 12 }))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), damaged, (bytes, [value, at, patch]) => {
        const good = write(formats[0]!, value)
        good.set(patch.subarray(0, Math.max(0, good.length - (at % good.length))), at % good.length)
        for (const format of formats) {
          survives(format, bytes)
          survives(format, good)
          survives(format, good.subarray(0, at % good.length))
        }
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    [
      'an array that says it is endless',
      { type: 'array', items: 'null' },
      'feffffffffff7f00',
      'items',
    ],
    ['a block with a size that leads back', { type: 'map', values: 'int' }, '0103010301030103', ''],
    ['an enum without such a symbol', { type: 'enum', name: 'E', symbols: ['A'] }, '08', 'enum'],
    ['a union without such a branch', ['null', 'int'], '08', 'union'],
    ['text that is not UTF-8', 'string', '02ff', 'UTF-8'],
    ['text that is too short', 'string', '0861', 'too early'],
    ['text of negative length', 'string', '01', 'too early'],
    ['bytes behind the value', 'int', '0200', 'trailing'],
    ['nothing', 'int', '', 'truncated'],
  ])('are bad with %s', (_, schema, hex, problem) => {
    expect(problemOf(avro({ schema }), Buffer.from(hex, 'hex'))).toContain(problem)
  })

  it('are skipped safely where the schema of the job lacks a field', () => {
    const schema = record([['z', 'int']])
    const writerSchema = record([
      ['gone', { type: 'array', items: 'int' }],
      ['z', 'int'],
    ])
    // A block of one item whose size, -2, would lead back to its own beginning.
    const format = avro({ schema, writerSchema })
    survives(format, Buffer.from('0103', 'hex'))
    expect(read(format, Buffer.from('01020a000c', 'hex'))).toEqual({ z: 6 })
  })

  it.each([
    [{ schema: 'strin' }, 'schema is no Avro schema'],
    [{ schema: '{"type":' }, 'schema is no Avro schema'],
    [{ schema: record([['__proto__', 'int']]) }, '__proto__'],
    [{}, 'schema is missing'],
    [{ schema: 'int', longs: 'string' }, 'longs is "string"'],
    [{ schema: 'int', autoRegister: true }, 'without a registry'],
    [{ schema: 'int', schemas: 'int' }, 'schemas'],
  ])('refuse the options %j', (options, problem) => {
    expect(() => avro(options as never)).toThrow(
      expect.objectContaining({
        code: 'MR_FORMAT_INVALID',
        message: expect.stringContaining(problem),
      }),
    )
  })
})

function record(fields: readonly (readonly [string, unknown])[], name = 'shop.R') {
  return { type: 'record', name, fields: fields.map(([field, type]) => ({ name: field, type })) }
}

function code(name: string): unknown {
  return expect.objectContaining({ code: name })
}
