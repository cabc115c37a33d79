import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { FileFormat } from '../../../connectors/format.ts'
import { parquet, type ParquetFormatOptions } from '../../../connectors/formats/parquet-format.ts'
import type {
  ParquetColumn,
  ParquetPrimitive,
  ParquetSchema,
} from '../../../connectors/formats/parquet-columns.ts'
import { unscaledDecimal } from '../../../connectors/formats/parquet-decimal.ts'
import { askDuckDb } from '../../harness/duckdb.ts'
import { temporaryFolders } from '../temporary-folder.ts'

const newFolder = temporaryFolders()

/** As `parquet()` takes them, of any schema. */
type Options = ParquetFormatOptions<ParquetSchema>

type Row = Readonly<Record<string, unknown>>

/** Encodes rows as a sink does, a block after another. */
function encode(format: FileFormat<never>, rows: readonly Row[]): Buffer {
  const encoder = format.createEncoder() as { add(row: Row): void } & ReturnType<
    FileFormat<never>['createEncoder']
  >
  const blocks: Uint8Array[] = []
  for (const row of rows) {
    encoder.add(row)
    if (encoder.isFull) blocks.push(encoder.take())
  }
  blocks.push(encoder.end())
  return Buffer.concat(blocks)
}

/** What DuckDB finds in a file of these rows. */
async function readBack(options: Options, rows: readonly Row[]): Promise<readonly Row[]> {
  const file = join(await newFolder(), 'rows.parquet')
  await writeFile(file, encode((parquet as (given: Options) => FileFormat<never>)(options), rows))
  return askDuckDb(`select * from '${file}'`)
}

/** A column with its values, and as what DuckDB hands them out. */
interface Kind {
  readonly column: ParquetColumn
  readonly value: fc.Arbitrary<unknown>
  readonly found: (value: never) => unknown
}

const text = fc.string({ unit: 'binary', maxLength: 8 }).filter((one) => !one.includes('\0'))
const date = fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true })
const dayOf = (day: Date) => day.toISOString().slice(0, 10)
const hex = (byte: number) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`

const primitives: Readonly<Record<ParquetPrimitive, Omit<Kind, 'column'>>> = {
  boolean: { value: fc.boolean(), found: (value) => value },
  int32: { value: fc.integer(), found: (value) => value },
  int64: {
    value: fc.oneof(fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    found: (value) => String(value),
  },
  float: { value: fc.float({ noNaN: true, noDefaultInfinity: true }), found: (value) => value },
  double: { value: fc.double({ noNaN: true, noDefaultInfinity: true }), found: (value) => value },
  string: { value: text, found: (value) => value },
  bytes: {
    value: fc.uint8Array({ min: 128, maxLength: 5 }),
    found: (value: Uint8Array) => [...value].map(hex).join(''),
  },
  date: {
    value: fc.oneof(date, date.map(dayOf), fc.nat(80_000)),
    found: (value: Date | string | number) => {
      if (typeof value === 'string') return value
      return dayOf(typeof value === 'number' ? new Date(value * 86_400_000) : value)
    },
  },
  timestamp: {
    value: fc.oneof(
      date,
      date.map(Number),
      date.map((at) => BigInt(at.getTime())),
    ),
    found: (value: Date | number | bigint) =>
      new Date(Number(value))
        .toISOString()
        .replace('T', ' ')
        .replace(/\.?0*Z$/, ''),
  },
  uuid: { value: fc.uuid(), found: (value) => value },
  json: {
    value: fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
    found: (value) => JSON.stringify(value),
  },
}

const primitive: fc.Arbitrary<Kind> = fc
  .constantFrom(...(Object.keys(primitives) as ParquetPrimitive[]))
  .map((column) => ({ column, ...primitives[column] }))

const decimal: fc.Arbitrary<Kind> = fc
  .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
  .map(([precision, more]) => {
    const scale = Math.min(precision, more)
    const limit = 10n ** BigInt(precision)
    const print = (unscaled: bigint) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
      const whole = digits.slice(0, digits.length - scale)
      const sign = unscaled < 0n ? '-' : ''
      return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-scale)}`
    }
    return {
      column: { decimal: [precision, scale] },
      value: fc.bigInt(1n - limit, limit - 1n).map(print),
      found: (value: string) => value,
    }
  })

/** Columns of all kinds, nested. */
const { kind } = fc.letrec<{ kind: Kind; nullable: Kind }>((tie) => ({
  nullable: fc.tuple(tie('kind'), fc.boolean()).map(([inner, isNullable]): Kind => {
    if (!isNullable) return inner
    const { column, value, found } = inner
    return {
      column:
        typeof column === 'string'
          ? (`${column as ParquetPrimitive}?` as const)
          : { ...column, nullable: true },
      value: fc.option(value),
      found: (one: never) => (one === null ? null : found(one)),
    }
  }),
  kind: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    primitive,
    decimal,
    tie('nullable').map(({ column, value, found }) => ({
      column: { list: column },
      value: fc.array(value, { maxLength: 3 }),
      found: (list: readonly never[]) => list.map(found),
    })),
    tie('nullable').map(({ column, value, found }) => ({
      column: { map: column },
      value: fc
        .uniqueArray(fc.tuple(text, value), { maxLength: 3, selector: ([name]) => name })
        .map((entries) => new Map(entries)),
      found: (map: Map<string, never>) =>
        [...map].map(([key, one]) => ({ key, value: found(one) })),
    })),
    fc.array(tie('nullable'), { minLength: 1, maxLength: 3 }).map((fields) => ({
      column: { struct: schemaOf(fields) },
      value: rowOf(fields),
      found: (row: Row) => foundRow(fields, row),
    })),
  ),
}))

const schemaOf = (kinds: readonly Kind[]): ParquetSchema =>
  Object.fromEntries(kinds.map(({ column }, i) => [`c${i}`, column]))
const rowOf = (kinds: readonly Kind[]): fc.Arbitrary<Row> =>
  fc.record(Object.fromEntries(kinds.map(({ value }, i) => [`c${i}`, value])))
const foundRow = (kinds: readonly Kind[], row: Row): Row =>
  Object.fromEntries(kinds.map(({ found }, i) => [`c${i}`, found(row[`c${i}`] as never)]))

const file = fc
  .tuple(
    fc.array(kind, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('none' as const, 'snappy' as const, 'gzip' as const, 'zstd' as const),
    fc.integer({ min: 1, max: 10 }),
  )
  .chain(([kinds, compression, rowGroupRows]) =>
    fc.array(rowOf(kinds), { minLength: 1, maxLength: 20 }).map((rows) => ({
      options: { schema: schemaOf(kinds), compression, rowGroupRows },
      rows,
      wanted: rows.map((row) => foundRow(kinds, row)),
    })),
  )

describe('parquet', () => {
  it('is read by DuckDB as it was written, whatever the schema, groups and compression', async () => {
    await fc.assert(
      fc.asyncProperty(file, async ({ options, rows, wanted }) => {
        expect(await readBack(options, rows)).toEqual(wanted)
      }),
      { numRuns: 50 },
    )
  }, 120_000)

  it('has all rows so far at each cut, with its closing, and goes on as if there had been none', async () => {
    const again = fc.constantFrom(0, 100, Infinity)
    const add = fc.record({ rows: fc.nat(12), cuts: fc.boolean(), again })
    await fc.assert(
      fc.asyncProperty(
        fc.array(add, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('none' as const, 'zstd' as const),
        async (steps, rowGroupRows, compression) => {
          const schema = { id: 'int32', tags: { list: 'string' }, of: 'json?' } as const
          const encoder = parquet({ schema, rowGroupRows, compression }).createEncoder()
          const blocks: Uint8Array[] = []
          const path = join(await newFolder(), 'rows.parquet')
          const expectRows = async (end: Uint8Array) => {
            await writeFile(path, Buffer.concat([...blocks, end]))
            expect(await askDuckDb(`select id, tags, of from '${path}'`)).toEqual(given)
          }
          const given: Row[] = []
          for (const { rows, cuts, again } of steps) {
            for (let n = 0; n < rows; n++) {
              const id = given.length
              const tags = Array.from({ length: id % 3 }, (_, i) => `tag ${i % 2}`)
              encoder.add({ id, tags, of: id % 2 === 0 ? { id } : null })
              given.push({ id, tags, of: id % 2 === 0 ? `{"id":${id}}` : null })
              if (encoder.isFull) blocks.push(encoder.take())
            }
            if (!cuts) continue
            const { bytes, closing } = encoder.cut(again)
            blocks.push(bytes)
            await expectRows(closing)
          }
          await expectRows(encoder.end())
        },
      ),
      { numRuns: 25 },
    )
  }, 60_000)

  it('leaves few rows for the next cut, and makes a group of many', () => {
    const groupsAfter = (rows: number, size: number, again = Infinity) => {
      const encoder = parquet({
        schema: { text: 'string' },
        rowGroupRows: 400,
        compression: 'none',
      }).createEncoder()
      for (let id = 0; id < rows; id++) encoder.add({ text: `${id}${'x'.repeat(size)}` })
      const before = encoder.heldBytes
      encoder.cut(again)
      expect([0, before]).toContain(encoder.heldBytes)
      return encoder.heldBytes === 0
    }
    expect(groupsAfter(99, 10)).toBe(false)
    expect(groupsAfter(100, 10)).toBe(true)
    expect(groupsAfter(10, 100_000)).toBe(false)
    expect(groupsAfter(11, 100_000)).toBe(true)
    expect(groupsAfter(10, 98, 1_000)).toBe(false)
    expect(groupsAfter(10, 100, 1_000)).toBe(true)
  })

  it('has the types that it was given', async () => {
    const schema = {
      a: 'int64',
      b: 'timestamp',
      c: { decimal: [12, 2] },
      d: { list: 'string?' },
      e: { struct: { f: 'uuid?', g: 'json' } },
      h: { map: 'double' },
      i: 'date',
    } as const
    const path = join(await newFolder(), 'rows.parquet')
    const row = { a: 1, b: 5, c: '1.5', d: [null], e: { g: {} }, h: {}, i: '2026-11-22' }
    await writeFile(path, encode(parquet({ schema }) as FileFormat<never>, [row]))
    const columns = await askDuckDb(`describe select * from '${path}'`)
    expect(columns.map((one) => one['column_type'])).toEqual([
      'BIGINT',
      'TIMESTAMP',
      'DECIMAL(12,2)',
      'VARCHAR[]',
      'STRUCT(f UUID, g JSON)',
      'MAP(VARCHAR, DOUBLE)',
      'DATE',
    ])
  })

  it('takes decimals as numbers, exactly as they print', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.maxSafeInteger(), fc.nat(9)), { minLength: 1 }),
        async (given) => {
          const numbers = given.map(([units, scale]) => units / 10 ** scale)
          const fits = numbers.filter((one) => unscaledDecimal(String(one), 9) !== undefined)
          fc.pre(fits.length > 0)
          const options: Options = { schema: { a: { decimal: [38, 9] } } }
          const found = await readBack(
            options,
            fits.map((a) => ({ a })),
          )
          expect(found.map(({ a }) => unscaledDecimal(a as string, 9))).toEqual(
            fits.map((one) => unscaledDecimal(String(one), 9)),
          )
        },
      ),
      { numRuns: 20 },
    )
  })

  it('infers the record from the schema', () => {
    const format = parquet({
      schema: { id: 'int64', note: 'string?', tags: { list: 'string' }, of: { decimal: [9, 2] } },
    })
    expectTypeOf(format).toExtend<
      FileFormat<{
        id: number | bigint
        note?: string | null
        tags: readonly string[]
        of: string
      }>
    >()
    const schema: ParquetSchema = { id: 'int64' }
    expectTypeOf(parquet({ schema })).toEqualTypeOf<FileFormat<object>>()
    // @ts-expect-error A text is no int64.
    expectTypeOf(format).toExtend<FileFormat<{ id: string; tags: string[]; of: string }>>()
  })

  it.each<[ParquetColumn, unknown, string]>([
    ['int32', 2 ** 31, 'column a'],
    ['int32', 1.5, 'column a'],
    ['int32', null, 'column a'],
    ['int32', undefined, 'column a'],
    ['int64', 2 ** 53, 'column a'],
    ['int64', 2n ** 63n, 'column a'],
    ['boolean', 1, 'column a'],
    ['double', '1', 'column a'],
    ['string', 1, 'column a'],
    ['string', '\ud800', 'column a'],
    ['bytes', 'x', 'column a'],
    ['date', '2026-02-31', 'column a'],
    ['date', new Date(Number.NaN), 'column a'],
    ['date', 2 ** 31, 'column a'],
    ['timestamp', 1.5, 'column a'],
    ['timestamp', 2n ** 53n, 'column a'],
    ['timestamp', '5', 'column a'],
    ['uuid', 'x', 'column a'],
    ['json', new Map(), 'column a'],
    [{ decimal: [4, 2] }, '100', 'column a'],
    [{ decimal: [4, 2] }, 0.125, 'column a'],
    [{ decimal: [4, 2] }, 'x', 'column a'],
    [{ decimal: [4, 2] }, new Uint8Array([0x27, 0x10]), 'column a'],
    [{ decimal: [4, 2] }, new Uint8Array(0), 'column a'],
    [{ list: 'int32' }, [1, null], 'column a[]'],
    [{ list: 'int32' }, {}, 'column a'],
    [{ map: 'int32' }, { b: 'x' }, 'column a{}'],
    [{ map: 'int32' }, new Map([[1, 1]]), 'column a: a key'],
    [{ struct: { b: { list: 'string' } } }, { b: [5] }, 'column a.b[]'],
    [{ struct: { b: 'int32' } }, 5, 'column a'],
  ])(
    'refuses for %j the value %s, names its place, and has nothing of the record',
    (column, bad, place) => {
      const encoder = parquet({ schema: { first: 'string', a: column } }).createEncoder()
      const record = { first: 'x', a: bad } as never
      expect(() => encoder.add(record)).toThrow(
        expect.objectContaining({
          name: 'StreamError',
          code: 'MR_VALUE_UNSUPPORTED',
          message: expect.stringMatching(
            new RegExp(`^parquet\\(\\): ${place.replaceAll(/[[\]{}.]/g, '\\$&')} is `),
          ) as string,
        }),
      )
      expect(encoder.heldBytes).toBe(0)
      expect(() => encoder.add(5 as never)).toThrow(/the record is 5/)
    },
  )

  it('goes on behind a record that it has refused', async () => {
    const encoder = parquet({ schema: { a: 'string', b: 'int32' } }).createEncoder()
    encoder.add({ a: 'x', b: 1 })
    expect(() => encoder.add({ a: 'y', b: 'no' as never })).toThrow('column b')
    encoder.add({ a: 'z', b: 2 })
    const path = join(await newFolder(), 'rows.parquet')
    await writeFile(path, encoder.end())
    expect(await askDuckDb(`select * from '${path}'`)).toEqual([
      { a: 'x', b: 1 },
      { a: 'z', b: 2 },
    ])
  })

  it.each([
    ['schema', {}],
    ['schema', []],
    ['schema a', { a: 'int16' }],
    ['schema a', { a: { list: 'string', map: 'string' } }],
    ['schema a', { a: { decimal: [39, 2] } }],
    ['schema a', { a: { decimal: [4, 5] } }],
    ['schema a.b[]', { a: { struct: { b: { list: 'no' } } } }],
    ['schema a', { a: { struct: {} } }],
  ])('refuses a bad %s', (option, schema) => {
    expect(() => parquet({ schema: schema as never })).toThrow(
      expect.objectContaining({
        code: 'MR_FORMAT_INVALID',
        message: expect.stringContaining(`${option} is`) as string,
      }),
    )
  })

  it('refuses a compression or group that there is not', () => {
    const schema = { a: 'int32' } as const
    expect(() => parquet({ schema, compression: 'lzma' as never })).toThrow(/compression is "lzma"/)
    expect(() => parquet({ schema, rowGroupRows: 0 })).toThrow(/rowGroupRows is 0/)
    expect(() => parquet({ schema, nothing: 1 } as never)).toThrow(/nothing/)
  })
})

describe('unscaledDecimal', () => {
  it('takes texts as they are written, and refuses digits that would be lost', () => {
    expect(unscaledDecimal('12.34', 2)).toBe(1_234n)
    expect(unscaledDecimal('-.5', 2)).toBe(-50n)
    expect(unscaledDecimal('1e3', 2)).toBe(100_000n)
    expect(unscaledDecimal('1.50', 1)).toBe(15n)
    expect(unscaledDecimal('1e-7', 2)).toBe(undefined)
    expect(unscaledDecimal('1e99999999', 2)).toBe(undefined)
    expect(unscaledDecimal('', 2)).toBe(undefined)
    expect(unscaledDecimal('.', 2)).toBe(undefined)
    expect(unscaledDecimal('0x1', 2)).toBe(undefined)
    expect(unscaledDecimal('NaN', 2)).toBe(undefined)
  })

  it('takes every number as it prints', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(6), (whole, scale) => {
        expect(unscaledDecimal(String(whole / 10 ** scale), scale)).toBe(BigInt(whole))
      }),
    )
  })
})
