import { givenText, StreamError } from '../../runtime/errors.ts'
import type { ParquetColumn, ParquetSchema } from './parquet-columns.ts'

/** The column that holds values of a type. */
export type ParquetColumnLike<V> = LikeOf<NonNullable<V>>

type LikeOf<V> = [V] extends [never]
  ? ParquetColumn
  : [V] extends [boolean]
    ? 'boolean?'
    : [V] extends [number]
      ? 'double?'
      : [V] extends [bigint]
        ? 'int64?'
        : [V] extends [string]
          ? 'string?'
          : [V] extends [Date]
            ? 'timestamp?'
            : [V] extends [Uint8Array]
              ? 'bytes?'
              : [V] extends [readonly (infer E)[]]
                ? { readonly list: ParquetColumnLike<E>; readonly nullable: true }
                : [V] extends [ReadonlyMap<string, infer M>]
                  ? { readonly map: ParquetColumnLike<M>; readonly nullable: true }
                  : [V] extends [object]
                    ? { readonly struct: ParquetSchemaLike<V>; readonly nullable: true }
                    : ParquetColumn

/** The columns that hold records of a type. */
export type ParquetSchemaLike<T> = { readonly [N in keyof T]-?: ParquetColumnLike<T[N]> }

/** Deeper nesting is taken for an example that contains itself. */
const MAX_DEPTH = 50

/**
 * The columns for records like an example, all of which may be null or missing.
 *
 * Numbers become `double`, bigints `int64`, texts `string`, booleans `boolean`, Dates `timestamp`, bytes `bytes`, arrays lists, Maps with
 * texts as keys maps, and plain objects structs. The example is a value in the code, not a record that happens to come first: all
 * objects of a sink get the same columns, whatever is in them. What it cannot tell (a null, an empty array or object, an array of
 * different kinds) fails with `MR_FORMAT_INVALID` and the path of the field. Single columns are replaced as in any object.
 *
 * @example
 * parquet({ schema: { ...parquetSchemaLike({ id: 1n, at: new Date(), user: { name: '' } }), price: { decimal: [12, 2] } } })
 */
export function parquetSchemaLike<const T extends object>(example: T): ParquetSchemaLike<T> {
  if (!isPlain(example)) throw unclear('', example, 'an object with a field for each column')
  return schemaLike(example, '', 0) as ParquetSchemaLike<T>
}

function schemaLike(example: object, path: string, depth: number): ParquetSchema {
  const entries = Object.entries(example)
  if (entries.length === 0 || depth > MAX_DEPTH) throw unclear(path, example, 'one with fields')
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      columnLike(value, path === '' ? name : `${path}.${name}`, depth),
    ]),
  )
}

function columnLike(value: unknown, path: string, depth: number): ParquetColumn {
  switch (typeof value) {
    case 'boolean':
      return 'boolean?'
    case 'number':
      return 'double?'
    case 'bigint':
      return 'int64?'
    case 'string':
      return 'string?'
  }
  if (value instanceof Date) return 'timestamp?'
  if (value instanceof Uint8Array) return 'bytes?'
  if (Array.isArray(value)) {
    return { list: commonColumn(value, value, `${path}[]`, depth + 1), nullable: true }
  }
  if (value instanceof Map) {
    const isOfTexts = [...value.keys()].every((key) => typeof key === 'string')
    if (!isOfTexts) throw unclear(path, value, 'a Map with texts as keys')
    const values = [...(value.values() as Iterable<unknown>)]
    return { map: commonColumn(values, value, `${path}{}`, depth + 1), nullable: true }
  }
  if (!isPlain(value)) {
    throw unclear(path, value, 'a boolean, number, bigint, text, Date, bytes, array, Map or object')
  }
  return { struct: schemaLike(value, path, depth + 1), nullable: true }
}

function commonColumn(
  values: readonly unknown[],
  all: unknown,
  path: string,
  depth: number,
): ParquetColumn {
  if (values.length === 0 || depth > MAX_DEPTH) throw unclear(path, all, 'one that is not empty')
  const [first, ...others] = values.map((value) => columnLike(value, path, depth))
  const isCommon = others.every((other) => JSON.stringify(other) === JSON.stringify(first))
  if (!isCommon) throw unclear(path, all, 'one with values of one kind')
  return first!
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function unclear(path: string, found: unknown, wanted: string): StreamError {
  const isObject = typeof found === 'object' && found !== null
  const shown = isObject ? (found.constructor?.name ?? 'Object') : givenText(found)
  const where = path === '' ? 'the example' : `${path} of the example`
  return new StreamError(
    'MR_FORMAT_INVALID',
    `parquetSchemaLike(): ${where} is ${shown} (${typeof found}), which does not tell what its column is to be; give ${wanted}, or ` +
      `declare the column in the schema of parquet().`,
    { path },
  )
}
