import { StreamError } from '../../runtime/errors.ts'
import { BadMessageError } from '../message-format.ts'
import { type AvroOptions, type AvroType, loadAvro } from './avro-library.ts'
import { avroTypeMakers } from './avro-types.ts'

/** An Avro schema: its JSON as a value or as text. */
export type AvroSchema = string | object

/** What a long becomes: a number, if it is not beyond 2^53, or always a bigint. */
export type AvroLongs = 'number' | 'bigint'

/** Primitive types that are not left to avsc. */
const PRIMITIVES: readonly string[] = ['string', 'bytes', 'int', 'long']

/** The type of a schema; throws what avsc says about one that is wrong. `references` are schemas whose names it uses. */
export function avroType(
  schema: AvroSchema,
  longs: AvroLongs,
  references: readonly string[] = [],
): AvroType {
  const { Type } = loadAvro()
  const makers = avroTypeMakers()
  const bigint = bigintLong()
  const options: AvroOptions = {
    registry: {},
    omitRecordMethods: true,
    typeHook(part, all) {
      const kind = Array.isArray(part) ? 'union' : kindOfSchema(part)
      if (kind === 'long' && longs === 'bigint') return bigint
      return makers.get(kind)?.(part, all)
    },
  }
  for (const reference of references) Type.forSchema(parseSchema(reference), options)
  return Type.forSchema(parseSchema(schema), options)
}

/** The text of a schema, as a registry stores it. */
export function schemaText(schema: AvroSchema): string {
  return JSON.stringify(parseSchema(schema))
}

/** What reads values of one type as those of another; throws where Avro's rules do not allow that. */
export function resolverOf(reader: AvroType, writer: AvroType): unknown {
  // By the rules of Avro, names are compared without their namespaces.
  return reader.createResolver(writer, { ignoreNamespaces: true })
}

/** Reads a value; anything that does not fit the schema is a bad message. */
export function decodeAvro(type: AvroType, bytes: Buffer, resolver: unknown): unknown {
  try {
    return type.fromBuffer(bytes, resolver)
  } catch (error) {
    throw new BadMessageError({ problem: `is not what its Avro schema says: ${reasonOf(error)}` })
  }
}

/** Writes a value; fails with `MR_VALUE_UNSUPPORTED`, and the path of the field, for one that the schema does not allow. */
export function encodeAvro(type: AvroType, value: unknown): Buffer {
  try {
    return type.toBuffer(value)
  } catch (error) {
    throw avroUnsupported(type, value, error, { from: 'avro()', unit: 'message' })
  }
}

/** Longs as bigints, all 64 bits of them. */
function bigintLong(): AvroType {
  return loadAvro().types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer(value: bigint) {
      const bytes = Buffer.allocUnsafe(8)
      bytes.writeBigInt64LE(value)
      return bytes
    },
    fromJSON: (value: number | bigint) => BigInt(value),
    toJSON: (value: bigint) => value,
    isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  })
}

/** The Avro type that a schema makes; none for the name of one that was made before. */
function kindOfSchema(schema: unknown): string {
  if (typeof schema === 'string') return PRIMITIVES.includes(schema) ? schema : ''
  const type = (schema as { readonly type?: unknown } | null)?.type
  return typeof type === 'string' ? type : ''
}

/** Text that is no JSON is the name of a primitive type. */
function parseSchema(schema: AvroSchema): unknown {
  if (typeof schema !== 'string') return schema
  return /^\s*[[{"]/.test(schema) ? (JSON.parse(schema) as unknown) : schema
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError && /call stack/.test(error.message))
    return 'it is nested too deeply'
  return error instanceof Error ? error.message : String(error)
}

/** The error of a value that its type does not allow, with the path of the field; `unit` is what cannot be written by `from`. */
export function avroUnsupported(
  type: AvroType,
  value: unknown,
  cause: unknown,
  { from, unit }: { readonly from: string; readonly unit: string },
): StreamError {
  let problem: string | undefined
  let path = ''
  try {
    type.isValid(value, {
      errorHook(parts, part, wanted) {
        if (problem !== undefined) return
        path = parts.join('.')
        problem = `${path === '' ? 'the value' : `field ${path}`} is ${shown(part)}, where the schema has ${kindOf(wanted)}`
      },
    })
  } catch {
    // A value that cannot even be looked at, such as one that contains itself; the cause says why.
  }
  problem ??= `the value cannot be written with the schema (${reasonOf(cause)})`
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `${from}: ${problem}; the ${unit} cannot be written; turn it into that before the sink, or change the schema.`,
    { path, type: typeof value },
    cause,
  )
}

function kindOf({ typeName, name }: AvroType): string {
  const kind = typeName.replace(/^(union|abstract):.*/, (_, word) =>
    word === 'union' ? 'a union' : 'long',
  )
  return name === undefined ? kind : `${kind} ${name}`
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return `${JSON.stringify(value.slice(0, 80))} (string)`
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : `${String(value)} (${typeof value})`
}
