import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { FileFormat } from '../../../connectors/format.ts'
import { avroFile } from '../../../connectors/formats/avro-file.ts'
import type { ParquetSchema } from '../../../connectors/formats/parquet-columns.ts'
import { parquet } from '../../../connectors/formats/parquet-format.ts'
import { parquetSchemaLike } from '../../../connectors/formats/parquet-like.ts'
import { parquetSchemaOf } from '../../../connectors/formats/parquet-of-avro.ts'
import { askDuckDb } from '../../harness/duckdb.ts'
import { temporaryFolders } from '../temporary-folder.ts'

const newFolder = temporaryFolders()

type Row = Readonly<Record<string, unknown>>

/** What DuckDB finds in a file of these rows. */
async function readBack(schema: ParquetSchema, rows: readonly Row[]): Promise<readonly Row[]> {
  const format = (parquet as (options: object) => FileFormat<Row>)({ schema })
  const encoder = format.createEncoder()
  for (const row of rows) encoder.add(row)
  const path = join(await newFolder(), 'rows.parquet')
  await writeFile(path, encoder.end())
  return askDuckDb(`select * from '${path}'`)
}

/** A value, its type in Avro, and as what DuckDB hands it out. */
interface Kind {
  readonly avro: unknown
  readonly value: unknown
  readonly found: unknown
}

const text = fc.string({ unit: 'binary', maxLength: 8 }).filter((one) => !one.includes('\0'))
const time = fc.nat(Date.UTC(2200, 0))
const timeFound = (ms: number) => {
  const printed = new Date(ms).toISOString().replace('T', ' ')
  return printed.replace(/\.?0*Z$/, '')
}
const bytes = fc.uint8Array({ min: 128, minLength: 4, maxLength: 4 })
const bytesFound = (value: Uint8Array) =>
  [...value].map((byte) => `\\x${byte.toString(16).toUpperCase()}`).join('')
const double = fc.double({ noNaN: true, noDefaultInfinity: true })
const kindOf = <V>(avro: unknown, values: fc.Arbitrary<V>, found: (value: V) => unknown) =>
  values.map((value): Kind => ({ avro, value, found: found(value) }))
const same = (value: unknown) => value
const decimalBytes = (units: bigint) => {
  const all = Buffer.alloc(8)
  all.writeBigInt64BE(units)
  return new Uint8Array(all)
}

describe('parquetSchemaOf', () => {
  let names = 0
  const newName = () => `N${names++}`
  const { kind } = fc.letrec<{ kind: Kind }>((tie) => ({
    kind: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.oneof(
        kindOf('boolean', fc.boolean(), same),
        kindOf('int', fc.integer(), same),
        kindOf('long', fc.maxSafeInteger(), String),
        kindOf('float', fc.float({ noNaN: true, noDefaultInfinity: true }), same),
        kindOf('double', double, same),
        kindOf('string', text, same),
        kindOf({ type: 'string', logicalType: 'uuid' }, fc.uuid(), same),
        kindOf('bytes', bytes, bytesFound),
        kindOf({ type: 'long', logicalType: 'timestamp-millis' }, time, timeFound),
        kindOf({ type: 'long', logicalType: 'timestamp-micros' }, time, String),
        kindOf({ type: 'int', logicalType: 'date' }, fc.nat(80_000), (days) =>
          new Date(days * 86_400_000).toISOString().slice(0, 10),
        ),
        fc.bigInt(-99_999n, 99_999n).map((units): Kind => ({
          avro: { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 },
          value: decimalBytes(units),
          found: (Number(units) / 100).toFixed(2),
        })),
        fc.constantFrom('A', 'B').map((value): Kind => ({
          avro: { type: 'enum', name: newName(), symbols: ['A', 'B'] },
          value,
          found: value,
        })),
        bytes.map((value): Kind => ({
          avro: { type: 'fixed', name: newName(), size: 4 },
          value,
          found: bytesFound(value),
        })),
      ),
      fc.tuple(tie('kind'), fc.nat(3)).map(([{ avro, value, found }, n]): Kind => ({
        avro: { type: 'array', items: avro },
        value: Array.from({ length: n }, () => value),
        found: Array.from({ length: n }, () => found),
      })),
      fc.tuple(tie('kind'), text).map(([{ avro, value, found }, key]): Kind => ({
        avro: { type: 'map', values: avro },
        value: Object.fromEntries([[key, value]]),
        found: [{ key, value: found }],
      })),
      fc.tuple(tie('kind'), fc.boolean()).map(([{ avro, value, found }, isNull]): Kind => {
        if (Array.isArray(avro)) return { avro, value, found }
        return { avro: ['null', avro], value: isNull ? null : value, found: isNull ? null : found }
      }),
      fc.array(tie('kind'), { minLength: 1, maxLength: 3 }).map(recordOf),
    ),
  }))

  function recordOf(kinds: readonly Kind[]): Kind {
    const of = (part: keyof Kind) =>
      Object.fromEntries(kinds.map((one, i) => [`f${i}`, one[part]] as const))
    const fields = kinds.map(({ avro }, i) => ({ name: `f${i}`, type: avro }))
    return {
      avro: { type: 'record', name: newName(), namespace: 'shop', fields },
      value: of('value'),
      found: of('found'),
    }
  }

  it('has columns for what avroFile takes, and DuckDB finds the same in them', async () => {
    const record = fc.array(kind, { minLength: 1, maxLength: 5 }).map(recordOf)
    await fc.assert(
      fc.asyncProperty(record, async ({ avro, value, found }) => {
        avroFile({ schema: avro as object })
          .createEncoder()
          .add(value)
        expect(await readBack(parquetSchemaOf(avro as object), [value as Row])).toEqual([found])
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('follows names through namespaces', () => {
    const schema = {
      type: 'record',
      name: 'shop.Order',
      fields: [
        { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
        {
          name: 'at',
          type: { type: 'record', name: 'geo.Place', fields: [{ name: 'x', type: 'int' }] },
        },
        { name: 'again', type: ['null', 'Hash', { type: 'null' }].slice(0, 2) },
        { name: 'other', type: { type: 'array', items: 'geo.Place' } },
        { name: 'full', type: 'shop.Hash' },
      ],
    }
    expect(parquetSchemaOf(JSON.stringify(schema))).toEqual({
      hash: 'bytes',
      at: { struct: { x: 'int32' } },
      again: 'bytes?',
      other: { list: { struct: { x: 'int32' } } },
      full: 'bytes',
    })
  })

  it('takes the type of records on trust, and single columns that replace its own', () => {
    const schema = parquetSchemaOf<{ id: number }>({
      type: 'record',
      name: 'R',
      fields: [{ name: 'id', type: 'long' }],
    })
    expectTypeOf(parquet({ schema })).toEqualTypeOf<FileFormat<{ id: number }>>()
    const own = { ...schema, id: 'string' } as const
    expectTypeOf(parquet({ schema: own })).toEqualTypeOf<FileFormat<{ id: number }>>()
    expect(own).toEqual({ id: 'string' })
  })

  const recordWith = (type: unknown) => ({
    type: 'record',
    name: 'R',
    fields: [{ name: 'a', type: { type: 'array', items: type } }],
  })
  it.each([
    ['a[] is a union of several types', recordWith(['null', 'int', 'string'])],
    ['a[] is null alone', recordWith('null')],
    ['a[] is a record that contains itself', recordWith(['null', 'R'])],
    ['a[] is a record without fields', recordWith({ type: 'record', name: 'E', fields: [] })],
    ['the schema is not of a record', { type: 'array', items: 'int' }],
    ['the schema is no Avro schema', { type: 'no' }],
  ])('refuses what Parquet has no column for: %s', (problem, schema) => {
    expect(() => parquetSchemaOf(schema)).toThrow(
      expect.objectContaining({
        code: 'MR_FORMAT_INVALID',
        message: expect.stringContaining(problem) as string,
      }),
    )
  })
})

describe('parquetSchemaLike', () => {
  const like = <V>(values: fc.Arbitrary<V>, found: (value: V) => unknown) =>
    values.map((value) => ({ value, found: found(value) }))
  const { one } = fc.letrec<{ one: Omit<Kind, 'avro'> }>((tie) => ({
    one: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.oneof(
        like(fc.boolean(), same),
        like(double, same),
        like(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), String),
        like(text, same),
        like(bytes, bytesFound),
        like(
          time.map((ms) => new Date(ms)),
          (at) => timeFound(at.getTime()),
        ),
      ),
      fc.tuple(tie('one'), fc.integer({ min: 1, max: 3 })).map(([{ value, found }, n]) => ({
        value: Array.from({ length: n }, () => value),
        found: Array.from({ length: n }, () => found),
      })),
      fc.tuple(tie('one'), text).map(([{ value, found }, key]) => ({
        value: new Map([[key, value]]),
        found: [{ key, value: found }],
      })),
      fc.array(tie('one'), { minLength: 1, maxLength: 3 }).map(objectOf),
    ),
  }))

  function objectOf(all: readonly Omit<Kind, 'avro'>[]): { value: object; found: object } {
    return {
      value: Object.fromEntries(all.map(({ value }, i) => [`f${i}`, value])),
      found: Object.fromEntries(all.map(({ found }, i) => [`f${i}`, found])),
    }
  }

  it('has columns for the example itself, in which DuckDB finds it, and for one without values', async () => {
    const record = fc.array(one, { minLength: 1, maxLength: 5 }).map(objectOf)
    await fc.assert(
      fc.asyncProperty(record, async ({ value, found }) => {
        const nothing = Object.fromEntries(Object.keys(found).map((name) => [name, null]))
        const schema = parquetSchemaLike(value) as ParquetSchema
        expect(await readBack(schema, [value as Row, {}])).toEqual([found, nothing])
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('gives the type of its records', () => {
    interface User {
      readonly name: string
      readonly age: number
    }
    const user: User = { name: '', age: 0 }
    const schema = {
      ...parquetSchemaLike({ id: 1n, at: new Date(), tags: [''], user, note: '' }),
      price: { decimal: [12, 2] },
    } as const
    expect(schema).toEqual({
      id: 'int64?',
      at: 'timestamp?',
      tags: { list: 'string?', nullable: true },
      user: { struct: { name: 'string?', age: 'double?' }, nullable: true },
      note: 'string?',
      price: { decimal: [12, 2] },
    })
    const format = parquet({ schema })
    expectTypeOf(format).toExtend<
      FileFormat<{ id: bigint; at: Date; tags: string[]; user: User; note?: string; price: string }>
    >()
    // @ts-expect-error A text is no Date.
    expectTypeOf(format).toExtend<FileFormat<{ at: string; price: string }>>()
  })

  const itself: Record<string, unknown> = { a: 1 }
  itself['b'] = itself

  it.each<[string, unknown]>([
    ['a of the example is null', { a: null }],
    ['a.b of the example is undefined', { a: { b: undefined } }],
    ['a[] of the example is Array', { a: [] }],
    ['a[] of the example is Array', { a: [1, 'x'] }],
    ['a[] of the example is Array', { a: [{ b: 1 }, { c: 1 }] }],
    ['a of the example is Map', { a: new Map([[1, 2]]) }],
    ['a{} of the example is Map', { a: new Map() }],
    ['a of the example is Set', { a: new Set([1]) }],
    ['a of the example is Object', { a: {} }],
    ['the example is Object', {}],
    ['the example is Array', [1]],
    ['b of the example is Object', itself],
  ])('refuses an example that does not tell: %s', (problem, example) => {
    expect(() => parquetSchemaLike(example as object)).toThrow(
      expect.objectContaining({
        code: 'MR_FORMAT_INVALID',
        message: expect.stringContaining(problem) as string,
      }),
    )
  })
})
