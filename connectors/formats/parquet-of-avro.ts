import { StreamError } from '../../runtime/errors.ts'
import { type AvroSchema, avroType, schemaText } from './avro-codec.ts'
import type { ParquetColumn, ParquetPrimitive, ParquetSchemaOf } from './parquet-columns.ts'

/** A schema as it stands in JSON; what it names is known to be there. */
interface AvroNode {
  readonly type: AvroNode | readonly AvroNode[] | string
  readonly name?: string
  readonly namespace?: string
  readonly logicalType?: string
  readonly precision?: number
  readonly scale?: number
  readonly items?: AvroPart
  readonly values?: AvroPart
  readonly fields?: readonly { readonly name: string; readonly type: AvroPart }[]
}

type AvroPart = string | AvroNode | readonly AvroPart[]

const COLUMNS: Readonly<Record<string, ParquetPrimitive>> = {
  boolean: 'boolean',
  int: 'int32',
  long: 'int64',
  float: 'float',
  double: 'double',
  string: 'string',
  enum: 'string',
  bytes: 'bytes',
  fixed: 'bytes',
  'int date': 'date',
  'long timestamp-millis': 'timestamp',
  'string uuid': 'uuid',
}
const DECIMAL_DIGITS = 38

/**
 * The columns for records of an Avro schema, as `avro()` reads and `avroFile()` writes them. Needs the package `avsc`.
 *
 * Records become structs, arrays lists, maps maps, enums texts, unions with null columns that may be null; of the logical types, `date`,
 * `timestamp-millis`, `uuid` and `decimal` (up to 38 digits) become the kinds of these names, others what they are stored as. What
 * Parquet has no columns for fails with `MR_FORMAT_INVALID` and its path: unions of several types, `null` alone, records that contain
 * themselves. The type is taken on trust, as that of `avro()`; single columns are replaced as in any object.
 *
 * @example
 * s3Sink({ path: 's3://lake/orders', format: parquet({ schema: parquetSchemaOf<Order>(orderSchema) }) })
 */
export function parquetSchemaOf<T>(schema: AvroSchema): ParquetSchemaOf<T> {
  try {
    avroType(schema, 'number')
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw invalid(`the schema is no Avro schema: ${(error as Error).message}`, 'correct it')
  }
  const column = new Columns().of(JSON.parse(schemaText(schema)) as AvroPart, '', '')
  if (typeof column === 'object' && 'struct' in column) return column.struct as ParquetSchemaOf<T>
  throw invalid('the schema is not of a record', 'give that of the records')
}

/** Turns the parts of one schema into columns. */
class Columns {
  readonly #named: Map<string, { readonly node: AvroNode; readonly namespace: string }> = new Map()
  /** Records that are being taken apart. */
  readonly #within: Set<AvroNode> = new Set()

  of(part: AvroPart, path: string, namespace: string): ParquetColumn {
    if (typeof part === 'string') return this.#byName(part, path, namespace)
    if (!isNode(part)) return this.#union(part, path, namespace)
    if (typeof part.type !== 'string') return this.of(part.type, path, namespace)
    const own = this.#define(part, namespace)
    switch (part.type) {
      case 'array':
        return { list: this.of(part.items!, `${path}[]`, own) }
      case 'map':
        return { map: this.of(part.values!, `${path}{}`, own) }
      case 'record':
      case 'error':
        return this.#record(part, path, own)
    }
    const { type, logicalType, precision = 0, scale = 0 } = part
    const isDecimal = logicalType === 'decimal' && (type === 'bytes' || type === 'fixed')
    if (isDecimal && precision > 0 && precision <= DECIMAL_DIGITS && scale <= precision) {
      return { decimal: [precision, scale] }
    }
    return COLUMNS[`${type} ${logicalType}`] ?? this.#byName(type, path, namespace)
  }

  #byName(name: string, path: string, namespace: string): ParquetColumn {
    if (Object.hasOwn(COLUMNS, name)) return COLUMNS[name]!
    if (name === 'null') throw noColumn(path, 'null alone')
    const known = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name)!
    return this.of(known.node, path, known.namespace)
  }

  #union(parts: readonly AvroPart[], path: string, namespace: string): ParquetColumn {
    const others = parts.filter((part) => part !== 'null' && (part as AvroNode).type !== 'null')
    if (others.length !== 1) throw noColumn(path, 'a union of several types')
    const column = this.of(others[0]!, path, namespace)
    if (others.length === parts.length) return column
    return typeof column === 'object'
      ? { ...column, nullable: true }
      : `${column as ParquetPrimitive}?`
  }

  #record(node: AvroNode, path: string, namespace: string): ParquetColumn {
    if (this.#within.has(node)) throw noColumn(path, 'a record that contains itself')
    if (node.fields!.length === 0) throw noColumn(path, 'a record without fields')
    this.#within.add(node)
    const columns = node.fields!.map(({ name, type }) => {
      const column = this.of(type, path === '' ? name : `${path}.${name}`, namespace)
      return [name, column] as const
    })
    this.#within.delete(node)
    return { struct: Object.fromEntries(columns) }
  }

  /** Notes what has a name; the namespace of the parts of it. */
  #define(node: AvroNode, outer: string): string {
    if (node.name === undefined) return outer
    const name = fullName(node.name, node.namespace ?? outer)
    const namespace = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    this.#named.set(name, { node, namespace: outer })
    return namespace
  }
}

function isNode(part: AvroNode | readonly AvroPart[]): part is AvroNode {
  return !Array.isArray(part)
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

function noColumn(path: string, what: string): StreamError {
  const where = path === '' ? 'the schema' : path
  return invalid(
    `${where} is ${what}, for which Parquet has no column`,
    'change the schema, or declare the columns in that of parquet()',
  )
}

function invalid(problem: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `parquetSchemaOf(): ${problem}, so no columns can be derived; ${wayOut}.`,
  )
}
