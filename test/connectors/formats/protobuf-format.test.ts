import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf'
import {
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
  StringValueSchema,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { indexesOf, messageAt, messagesOfProto } from '../../../connectors/formats/proto-names.ts'
import { protobuf } from '../../../connectors/formats/protobuf-format.ts'
import { schemaRegistry } from '../../../connectors/formats/schema-registry.ts'
import { messageIndexBytes, withHeader } from '../../../connectors/formats/wire-format.ts'
import { BadMessageError, type MessageFormat } from '../../../connectors/message-format.ts'
import { expectPlain, problemOf, read, survives, VALUE, write } from '../messages.ts'
import { FakeRegistry } from './fake-registry.ts'

const [INT32, INT64, UINT64, DOUBLE, BOOL, STRING, BYTES, MESSAGE] = [5, 3, 4, 1, 8, 9, 12, 11]
const [ONE, MANY] = [1, 3]

function field(
  name: string,
  number: number,
  type: number,
  more: object = {},
): FieldDescriptorProto {
  return { name, number, type, label: ONE, jsonName: name, ...more } as FieldDescriptorProto
}

const entry = {
  name: 'CountsEntry',
  field: [field('key', 1, STRING), field('value', 2, INT64)],
  options: { mapEntry: true },
}

const order = {
  name: 'Order',
  field: [
    field('id', 1, INT64),
    field('size', 2, UINT64),
    field('price', 3, DOUBLE),
    field('note', 4, STRING),
    field('hash', 5, BYTES),
    field('open', 6, BOOL),
    field('n', 7, INT32),
    field('tags', 8, STRING, { label: MANY }),
    field('next', 9, MESSAGE, { typeName: '.shop.Order' }),
    field('counts', 10, MESSAGE, { label: MANY, typeName: '.shop.Order.CountsEntry' }),
    field('text', 11, STRING, { oneofIndex: 0 }),
    field('number', 12, INT64, { oneofIndex: 0 }),
    field('maybe', 13, MESSAGE, { typeName: '.google.protobuf.StringValue' }),
  ],
  oneofDecl: [{ name: 'choice' }],
  nestedType: [entry, { name: 'Line', field: [field('n', 1, INT32)] }],
}

function fileOf(syntax: 'proto2' | 'proto3', more: object = {}): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, {
    name: 'shop/order.proto',
    package: 'shop',
    syntax,
    dependency: ['google/protobuf/wrappers.proto'],
    messageType: [order, { name: 'Refund', field: [field('id', 1, INT64)] }],
    ...more,
  } as never)
}

function typeIn(file: FileDescriptorProto, name: string): DescMessage {
  const known = [file_google_protobuf_wrappers, file_google_protobuf_struct]
  const registry = createFileRegistry(
    file,
    (path) => known.find((one) => one.proto.name === path)?.proto,
  )
  return registry.getMessage(name)!
}

const Order = typeIn(fileOf('proto3'), 'shop.Order')
const Refund = typeIn(fileOf('proto3'), 'shop.Refund')
const OldOrder = typeIn(fileOf('proto2'), 'shop.Order')
/** Of types that are known at run time only, all that is known is that they are messages. */
const orders = protobuf(Order) as MessageFormat<unknown>

const text = fc.string({ unit: 'binary' })
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc
    .record(
      {
        id: long,
        size: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        price: fc.double(),
        note: text,
        hash: fc.uint8Array(),
        open: fc.boolean(),
        n: fc.integer(),
        tags: fc.array(text),
        next: fc.option(tie('value'), { nil: undefined, maxDepth: 2 }),
        counts: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), long, {
          noNullPrototype: true,
        }),
        choice: fc.oneof(
          text.map((value) => ({ case: 'text', value })),
          long.map((value) => ({ case: 'number', value })),
          fc.constant({ case: undefined }),
        ),
        maybe: fc.option(text, { nil: undefined }),
      },
      { noNullPrototype: true },
    )
    .map((fields) => {
      const present = Object.entries(fields).filter(([, value]) => value !== undefined)
      return { $typeName: 'shop.Order', ...Object.fromEntries(present) }
    }),
}))

describe('protobuf messages', () => {
  it('have the type of the schema', () => {
    const format = protobuf(TimestampSchema)
    type Value = NonNullable<(typeof format)['_message']>
    expectTypeOf<Value['seconds']>().toEqualTypeOf<bigint>()
    const time = create(TimestampSchema, { seconds: 2n ** 60n + 1n })
    expect(read(format, write(format, time)).seconds).toBe(2n ** 60n + 1n)
  })

  it.each([
    ['proto3', Order],
    ['proto2', OldOrder],
  ] as const)('are read as they were written, in plain objects, in %s', (_, schema) => {
    const format = protobuf(schema) as MessageFormat<unknown>
    fc.assert(
      fc.property(values, (value) => {
        const found = read(format, write(format, value))
        expect(found).toStrictEqual(value)
        expectPlain(found)
      }),
      { numRuns: 200 },
    )
  })

  it('hold bytes in memory of their own', () => {
    const message = write<unknown>(orders, { hash: new Uint8Array([1, 2]) })
    const value = read(orders, message) as { hash: Uint8Array }
    const reader = orders.createMessageReader(VALUE)
    const shared = reader.read(message) as { hash: Uint8Array }
    message.fill(9)
    expect([...value.hash, ...shared.hash]).toEqual([1, 2, 1, 2])
  })

  it('may lack fields, and the names of their types', () => {
    const bytes = write<unknown>(orders, { id: 5n, next: { note: 'a' } })
    expect(bytes.toString('hex')).toBe('08054a03220161')
    expect(
      write<unknown>(orders, { $typeName: 'shop.Order', id: 5n, next: { note: 'a' } }),
    ).toEqual(bytes)
    expect(read(orders, bytes)).toMatchObject({ id: 5n, n: 0, next: { note: 'a', id: 0n } })
    const old = protobuf(OldOrder) as MessageFormat<unknown>
    expect(read(old, bytes)).toMatchObject({ id: 5n, n: 0, next: { note: 'a', id: 0n } })
  })

  it('hold what Google defines', () => {
    const format = protobuf(StringValueSchema)
    expect(read(format, write(format, create(StringValueSchema, { value: 'a' }))).value).toBe('a')
  })

  it.each([
    [5, 'the value is 5 (number), where a shop.Order belongs'],
    [undefined, 'the value is undefined'],
    [[], 'the value is an array'],
    [{ $typeName: 'shop.Refund' }, 'the value is a shop.Refund, where a shop.Order belongs'],
    [{ note: 5 }, 'field note is 5 (number), where text belongs'],
    [{ next: { note: '\ud800' } }, 'field next.note is "\\ud800" (string), where text belongs'],
    [{ tags: ['a', 1n] }, 'field tags[1] is 1 (bigint), where text belongs'],
    [{ tags: 'abc' }, 'field tags is "abc" (string), where a list belongs'],
    [{ open: 1 }, 'field open is 1 (number), where a boolean belongs'],
    [{ hash: 'ab' }, 'field hash is "ab" (string), where bytes belong'],
    [{ choice: { case: 'text', value: 5 } }, 'field choice is 5 (number), where text belongs'],
    [{ choice: { case: 'other' } }, 'has the case "other" (string), which there is not'],
    [{ n: 2 ** 40 }, 'shop.Order.n to binary: invalid int32: 1099511627776'],
    [{ id: 2n ** 63n }, 'invalid int64'],
    [{ size: -1n }, 'invalid uint64'],
  ])('cannot be case %#: %o', (value, problem) => {
    expect(() => write<unknown>(orders, value)).toThrow(
      expect.objectContaining({
        code: 'MR_VALUE_UNSUPPORTED',
        message: expect.stringContaining(problem),
      }),
    )
  })

  it('survive any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), values, fc.nat(), fc.nat(255), (bytes, value, at, byte) => {
        survives(orders, bytes)
        const good = write(orders, value)
        if (good.length > 0) good[at % good.length] = byte
        survives(orders, good)
        survives(orders, good.subarray(0, at % (good.length + 1)))
      }),
      { numRuns: 500 },
    )
    survives(orders, Buffer.alloc(100_000, 0x4b))
    expect(problemOf(orders, Buffer.from('08', 'hex'))).toContain(
      'is not what shop.Order is in Protobuf',
    )
    expect(problemOf(orders, Buffer.from('2201ff', 'hex'))).toContain('utf-8')
  })

  it.each([
    [[undefined], 'is no type of message'],
    [[Order, { autoRegister: true }], 'without a registry'],
    [[Order, { registrys: 1 }], 'registrys'],
  ])('refuse %#', (args, problem) => {
    expect(() => protobuf(...(args as [DescMessage]))).toThrow(
      expect.objectContaining({
        code: 'MR_FORMAT_INVALID',
        message: expect.stringContaining(problem),
      }),
    )
  })
})

const PROTO = `
syntax = "proto3";
// message Comment { }
package shop; /* message Other { } */
import "google/protobuf/wrappers.proto";
option java_package = "message Quoted {";
enum Kind { NONE = 0; }
message Order {
  message Line { int32 n = 1; message Deep { } }
  map<string, int64> counts = 10;
  oneof choice { string message = 2; }
  reserved 5, 6;
}
message Refund { int64 id = 1; }
service Shop { rpc Buy (Order) returns (Refund) { option deprecated = true; } }
`

describe('the names in a .proto file', () => {
  it('are found, whatever stands between', () => {
    expect(messagesOfProto(PROTO)).toEqual([
      {
        name: 'shop.Order',
        nested: [
          { name: 'shop.Order.Line', nested: [{ name: 'shop.Order.Line.Deep', nested: [] }] },
        ],
      },
      { name: 'shop.Refund', nested: [] },
    ])
    expect(messagesOfProto('message A{}')).toEqual([{ name: 'A', nested: [] }])
  })

  it('lead to indexes and back', () => {
    const messages = messagesOfProto(PROTO)
    for (const name of ['shop.Order', 'shop.Order.Line', 'shop.Order.Line.Deep', 'shop.Refund']) {
      expect(messageAt(messages, indexesOf(messages, name)!)).toBe(name)
    }
    expect(indexesOf(messages, 'shop.Order.Line.Deep')).toEqual([0, 0, 0])
    expect(indexesOf(messages, 'shop.Ord')).toBeUndefined()
    expect(messageAt(messages, [2])).toBeUndefined()
  })

  it('are looked for in any text without failing', () => {
    const part = fc.constantFrom('message ', 'A', '{', '}', '"', '//', '\n', ';', 'package', '/*')
    fc.assert(fc.property(fc.array(part), (parts) => void messagesOfProto(parts.join(''))))
  })
})

describe('protobuf with a schema registry', () => {
  let fake: FakeRegistry

  beforeEach(async () => {
    fake = await FakeRegistry.start()
  })

  afterEach(() => fake.stop())

  async function writeFor(schema: DescMessage, autoRegister: boolean, value: unknown) {
    const registry = schemaRegistry({ url: fake.url })
    const format = protobuf(schema, { registry, autoRegister }) as MessageFormat<unknown>
    const writer = format.createMessageWriter(VALUE)
    await writer.open?.()
    return writer.write(value)
  }

  async function readAs(schema: DescMessage, bytes: Buffer): Promise<unknown> {
    const reader = protobuf(schema, {
      registry: schemaRegistry({ url: fake.url }),
    }).createMessageReader(VALUE)
    await reader.prepare?.(bytes)
    return reader.read(bytes)
  }

  it.each([
    ['the text of the file', PROTO],
    ['nothing, which is registered as a descriptor', undefined],
  ])('writes id and indexes, and reads them, where the registry has %s', async (_, proto) => {
    if (proto !== undefined) fake.add('orders-value', proto, { schemaType: 'PROTOBUF' })
    const register = proto === undefined
    const first = await writeFor(Order, register, { id: 5n })
    const second = await writeFor(Refund, register, { id: 6n })
    expect(first.toString('hex')).toBe('0000000001000805')
    expect(second.toString('hex')).toBe('000000000102020806')
    expect(await readAs(Order, first)).toMatchObject({ $typeName: 'shop.Order', id: 5n })
    expect(await readAs(Refund, second)).toMatchObject({ $typeName: 'shop.Refund', id: 6n })
  })

  it.each<[string, (path: number[]) => Buffer, string]>([
    [
      'another message of the file',
      (path) => message(1, path),
      'is a shop.Refund, where a shop.Order is wanted',
    ],
    ['a message that is not there', () => message(1, [7]), 'names no message of schema 1'],
    ['damaged indexes', () => Buffer.from('000000000101', 'hex'), 'names no message of schema 1'],
    ['a schema of Avro', () => message(2, [0]), 'schema 2 is of AVRO, not of Protobuf'],
    ['a schema that is none', () => message(3, [0]), 'schema 3 is no Protobuf file'],
  ])('takes for bad %s', async (_, make, problem) => {
    fake.add('orders-value', PROTO, { schemaType: 'PROTOBUF' })
    fake.add('a', '"int"')
    fake.add('b', 'abcd', { schemaType: 'PROTOBUF' })
    const thrown = await readAs(Order, make([1])).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(BadMessageError)
    expect((thrown as BadMessageError).problem).toContain(problem)
  })

  it('takes for bad the first message of a file where another is wanted', async () => {
    fake.add('orders-value', PROTO, { schemaType: 'PROTOBUF' })
    await expect(readAs(Refund, message(1, [0]))).rejects.toThrow(
      'is a shop.Order, where a shop.Refund is wanted',
    )
  })

  it('does not write under a schema that lacks the message', async () => {
    fake.add('orders-value', 'message Other {}', { schemaType: 'PROTOBUF' })
    await expect(writeFor(Order, false, {})).rejects.toThrow(
      expect.objectContaining({
        code: 'MR_SCHEMA_NOT_FOUND',
        message: expect.stringContaining('has no message shop.Order'),
      }),
    )
  })

  it('registers no file that imports others', () => {
    const imported = create(FileDescriptorProtoSchema, {
      name: 'a.proto',
      package: 'a',
      syntax: 'proto3',
    })
    const file = fileOf('proto3', { dependency: ['a.proto'], messageType: [{ name: 'Order' }] })
    const schema = createFileRegistry(file, () => imported).getMessage('shop.Order')!
    const registry = schemaRegistry({ url: fake.url })
    expect(() => protobuf(schema, { registry, autoRegister: true })).toThrow(
      expect.objectContaining({
        code: 'MR_FORMAT_INVALID',
        message: expect.stringContaining('imports a.proto'),
      }),
    )
  })
})

function message(id: number, path: readonly number[]): Buffer {
  return withHeader(id, messageIndexBytes(path), Buffer.from('0805', 'hex'))
}
