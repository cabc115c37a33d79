import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type {
  MessageContext,
  MessageFormat,
  MessageReader,
  MessageWriter,
} from '../message-format.ts'
import {
  type AvroLongs,
  type AvroSchema,
  avroType,
  decodeAvro,
  encodeAvro,
  resolverOf,
  schemaText,
} from './avro-codec.ts'
import type { AvroType } from './avro-library.ts'
import { type MessageDecoder, RegistryMessageReader } from './registry-reader.ts'
import { type StoredSchema, UnusableSchemaError } from './registry-client.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { RegistryMessageWriter } from './registry-writer.ts'
import { HEADER_BYTES } from './wire-format.ts'

/** Options of `avro()`: a schema, a registry, or both. */
export interface AvroFormatOptions {
  /**
   * The schema that records have in the job: its JSON as a value or as text. What was written with another one is resolved to
   * it by Avro's rules. Without it (with a registry) records have the schema that each was written with, and are written with
   * the newest of the subject.
   */
  readonly schema?: AvroSchema
  /** Messages name their schema by its id in this registry. Default: none, messages are nothing but the value. */
  readonly registry?: SchemaRegistry
  /** Without a registry: the schema that messages are written with where it is an older or newer one. Default: `schema`. */
  readonly writerSchema?: AvroSchema
  /** True: a writer registers `schema` where its subject does not have it yet. Default false: it must be there. */
  readonly autoRegister?: boolean
  /**
   * What a long is: `number` (default), where one beyond 2^53 makes the message a bad one, or `bigint`. Always one of the two,
   * whatever the value is.
   */
  readonly longs?: AvroLongs
}

const NAMES: OptionNames<AvroFormatOptions> = {
  schema: true,
  registry: true,
  writerSchema: true,
  autoRegister: true,
  longs: true,
}

/**
 * Messages in Avro's binary encoding, one value each, with the package `avsc` (^5.7), which is installed beside millrace.
 *
 * Records are plain objects, maps too, enums strings, bytes and fixed `Uint8Array`s, logical types what they are stored as. A
 * union is its value (`null | string`) where the branches differ in JavaScript, otherwise an object with the name of the branch
 * (`{ int: 5 }`). Nothing is rounded in silence, see `longs`; text that is not UTF-8 is a bad message.
 *
 * The type is taken on trust. A schema that is wrong fails with `MR_FORMAT_INVALID` where the job is built, a missing package
 * with `MR_DEPENDENCY_MISSING`.
 *
 * @example
 * kafkaSource({ topics: ['orders'], value: avro<Order>({ registry, schema: orderSchema }), … })
 */
export function avro<T = unknown>(options: AvroFormatOptions): MessageFormat<T> {
  checkOptionNames(options, NAMES, 'avro()', 'MR_FORMAT_INVALID')
  const { schema, registry, writerSchema, longs = 'number', autoRegister = false } = options
  if (longs !== 'number' && longs !== 'bigint') {
    throw invalid(`longs is ${givenText(longs)}`, 'give "number" or "bigint"')
  }
  if (schema === undefined && (registry === undefined || autoRegister)) {
    throw invalid('schema is missing', 'give one, or a registry without autoRegister')
  }
  if (registry === undefined && autoRegister) {
    throw invalid('autoRegister is set without a registry', 'give a registry')
  }
  if (registry !== undefined && writerSchema !== undefined) {
    throw invalid(
      'writerSchema is set with a registry, which says it of each message',
      'leave it out',
    )
  }
  const type = schema === undefined ? undefined : parse('schema', schema, longs)
  const wire = { schema, type, registry, longs, autoRegister }
  if (registry !== undefined) return withRegistry<T>({ ...wire, registry })
  return plain<T>(type as AvroType, writerSchema)
}

interface Wire {
  readonly schema: AvroSchema | undefined
  readonly type: AvroType | undefined
  readonly registry: SchemaRegistry
  readonly longs: AvroLongs
  readonly autoRegister: boolean
}

function plain<T>(type: AvroType, writerSchema: AvroSchema | undefined): MessageFormat<T> {
  let resolver: unknown
  if (writerSchema !== undefined) {
    // A type with plain longs is what types with either kind of longs can be resolved from.
    const from = parse('writerSchema', writerSchema, 'number')
    try {
      resolver = resolverOf(type, from)
    } catch (error) {
      throw invalid(
        `writerSchema cannot be read as schema: ${(error as Error).message}`,
        'correct one of them',
      )
    }
  }
  const reader: MessageReader<T> = { read: (bytes) => decodeAvro(type, bytes, resolver) as T }
  const writer: MessageWriter<T> = { write: (value) => encodeAvro(type, value) }
  return {
    messageKind: 'avro',
    createMessageReader: () => reader,
    createMessageWriter: () => writer,
  }
}

function withRegistry<T>({ schema, type, registry, longs, autoRegister }: Wire): MessageFormat<T> {
  const open = async (context: MessageContext) => {
    const subject = registry.subjectOf(context, type?.name)
    if (schema === undefined) {
      const stored = await registry.client.latest(subject)
      return { id: stored.id, encode: encoderOf(storedType(stored, longs)) }
    }
    const own = { kind: 'AVRO', text: schemaText(schema) } as const
    const id = await registry.client.idOf(subject, own, autoRegister)
    return { id, encode: encoderOf(type as AvroType) }
  }
  return {
    messageKind: 'avro',
    createMessageReader: () =>
      new RegistryMessageReader(registry, (stored) => decoderOf<T>(stored, type, longs)),
    createMessageWriter: (context) => new RegistryMessageWriter<T>(context, () => open(context)),
  }
}

function encoderOf(type: AvroType): (value: unknown) => Buffer {
  return (value) => encodeAvro(type, value)
}

function decoderOf<T>(
  stored: StoredSchema,
  reader: AvroType | undefined,
  longs: AvroLongs,
): MessageDecoder<T> {
  const isOwn = reader === undefined
  const writer = storedType(stored, isOwn ? longs : 'number')
  const type = reader ?? writer
  let resolver: unknown
  try {
    resolver = isOwn ? undefined : resolverOf(type, writer)
  } catch (error) {
    const reason = (error as Error).message
    throw new UnusableSchemaError(
      `schema ${stored.id} cannot be read as the schema of the job: ${reason}`,
    )
  }
  return (bytes) => decodeAvro(type, bytes.subarray(HEADER_BYTES), resolver) as T
}

/** The type of a schema of the registry, which may be none of Avro. */
function storedType({ id, kind, text, references }: StoredSchema, longs: AvroLongs): AvroType {
  if (kind !== 'AVRO') throw new UnusableSchemaError(`schema ${id} is of ${kind}, not of Avro`)
  try {
    return avroType(text, longs, references)
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw new UnusableSchemaError(`schema ${id} is no Avro schema: ${(error as Error).message}`)
  }
}

function parse(option: string, schema: AvroSchema, longs: AvroLongs): AvroType {
  try {
    return avroType(schema, longs)
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw invalid(`${option} is no Avro schema: ${(error as Error).message}`, 'correct it')
  }
}

function invalid(problem: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `avro(): ${problem}, so messages can be neither read nor written; ${wayOut}.`,
  )
}
