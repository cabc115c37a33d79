import { givenText, StreamError } from '../../runtime/errors.ts'
import type {
  ParquetDecimal,
  ParquetList,
  ParquetMap,
  ParquetPrimitive,
  ParquetSchema,
  ParquetStruct,
} from './parquet-columns.ts'
import type { SchemaElement } from './parquet-library.ts'

/** How each kind lies in a file. */
const ELEMENTS: Readonly<Record<ParquetPrimitive, Omit<SchemaElement, 'name'>>> = {
  boolean: { type: 'BOOLEAN' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float: { type: 'FLOAT' },
  double: { type: 'DOUBLE' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bytes: { type: 'BYTE_ARRAY' },
  date: { type: 'INT32', converted_type: 'DATE' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  uuid: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } },
  json: { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } },
}

/** A column as it is checked: its kind apart from whether it may be null. */
export type CheckedColumn = {
  readonly name: string
  readonly isNullable: boolean
} & (
  | { readonly kind: ParquetPrimitive }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'list' | 'map'; readonly element: CheckedColumn }
  | { readonly kind: 'struct'; readonly fields: readonly CheckedColumn[] }
)

/** Deeper nesting is taken for a schema that contains itself. */
const MAX_DEPTH = 50

/** Checks a schema; fails with `MR_FORMAT_INVALID` and the path of the column. */
export function checkSchema(schema: unknown, path = '', depth = 0): readonly CheckedColumn[] {
  const isObject = typeof schema === 'object' && schema !== null && !Array.isArray(schema)
  const names = isObject ? Object.keys(schema) : []
  const where = path === '' ? 'schema' : `schema ${path}`
  if (names.length === 0 || depth > MAX_DEPTH) throw invalid(where, schema, 'columns by name')
  return names.map((name) => {
    const columnPath = path === '' ? name : `${path}.${name}`
    if (name === '') throw invalid(where, name, 'names that are not empty')
    return checkColumn(name, (schema as ParquetSchema)[name], columnPath, depth)
  })
}

function checkColumn(name: string, column: unknown, path: string, depth: number): CheckedColumn {
  if (typeof column === 'string') {
    const isNullable = column.endsWith('?')
    const kind = isNullable ? column.slice(0, -1) : column
    if (Object.hasOwn(ELEMENTS, kind)) return { name, isNullable, kind: kind as ParquetPrimitive }
  }
  const given = (typeof column === 'object' && column !== null ? column : {}) as Partial<
    ParquetDecimal & ParquetList & ParquetMap & ParquetStruct
  >
  const { nullable: isNullable = false, ...rest } = given
  const kinds = Object.keys(rest)
  const common = { name, isNullable }
  if (kinds.length === 1 && typeof isNullable === 'boolean') {
    if (given.decimal !== undefined) return { ...common, ...checkDecimal(given.decimal, path) }
    if (given.list !== undefined) {
      const element = checkColumn('element', given.list, `${path}[]`, depth + 1)
      return { ...common, kind: 'list', element }
    }
    if (given.map !== undefined) {
      const element = checkColumn('value', given.map, `${path}{}`, depth + 1)
      return { ...common, kind: 'map', element }
    }
    if (given.struct !== undefined) {
      return { ...common, kind: 'struct', fields: checkSchema(given.struct, path, depth + 1) }
    }
  }
  const wanted = Object.keys(ELEMENTS).join(', ')
  throw invalid(
    `schema ${path}`,
    column,
    `one of ${wanted}, with ? where it may be null, or { decimal: [12, 2] }, { list }, { map } or { struct }`,
  )
}

function checkDecimal(
  given: readonly number[],
  path: string,
): { readonly kind: 'decimal'; readonly precision: number; readonly scale: number } {
  const [precision, scale] = Array.isArray(given) ? (given as readonly number[]) : []
  const isGood =
    Number.isInteger(precision) &&
    Number.isInteger(scale) &&
    precision! >= 1 &&
    precision! <= 38 &&
    scale! >= 0 &&
    scale! <= precision!
  if (!isGood)
    throw invalid(
      `schema ${path}`,
      given,
      '{ decimal: [digits, digits behind the point] }, with up to 38 digits',
    )
  return { kind: 'decimal', precision: precision!, scale: scale! }
}

/**
 * The nodes as the footer has them. Until then the library must not know what is JSON: it takes bytes as they are, but values of JSON
 * it would write anew, with bigints rounded.
 */
export function footerElements(elements: readonly SchemaElement[]): readonly SchemaElement[] {
  return elements.map((element) =>
    element.logical_type?.type === 'JSON' ? { ...element, converted_type: 'JSON' } : element,
  )
}

/** The nodes of a schema in the order of a file, with its root, as they are when values are written. */
export function schemaElements(columns: readonly CheckedColumn[]): readonly SchemaElement[] {
  return [{ name: 'root', num_children: columns.length }, ...columns.flatMap(elementsOf)]
}

function elementsOf(column: CheckedColumn): SchemaElement[] {
  const { name, kind } = column
  const repetition_type = column.isNullable ? 'OPTIONAL' : 'REQUIRED'
  const group = { name, repetition_type } as const
  const repeated = { repetition_type: 'REPEATED' } as const
  switch (kind) {
    case 'list':
      return [
        { ...group, converted_type: 'LIST', num_children: 1 },
        { ...repeated, name: 'list', num_children: 1 },
        ...elementsOf(column.element),
      ]
    case 'map':
      return [
        { ...group, converted_type: 'MAP', num_children: 1 },
        { ...repeated, name: 'key_value', num_children: 2 },
        { name: 'key', repetition_type: 'REQUIRED', ...ELEMENTS.string },
        ...elementsOf(column.element),
      ]
    case 'struct': {
      const { fields } = column
      return [{ ...group, num_children: fields.length }, ...fields.flatMap(elementsOf)]
    }
    case 'decimal': {
      const { precision, scale } = column
      return [{ ...group, ...decimalType(precision), converted_type: 'DECIMAL', precision, scale }]
    }
    default:
      return [{ ...group, ...ELEMENTS[kind] }]
  }
}

function decimalType(precision: number): Omit<SchemaElement, 'name'> {
  if (precision <= 9) return { type: 'INT32' }
  if (precision <= 18) return { type: 'INT64' }
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 }
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  const shown =
    typeof found === 'object' && found !== null ? JSON.stringify(found) : givenText(found)
  return new StreamError(
    'MR_FORMAT_INVALID',
    `parquet(): ${option} is ${shown.slice(0, 200)} (${typeof found}), so no files can be written; give ${wanted}.`,
    { option },
  )
}
