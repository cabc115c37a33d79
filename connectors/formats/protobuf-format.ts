// Kept in the declarations, so that those who have no Protobuf need not install its types either.
/** @ts-ignore */
import type { DescMessage, Message, MessageShape } from '@bufbuild/protobuf'
import { StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import {
  BadMessageError,
  type MessageContext,
  type MessageFormat,
  type MessageReader,
  type MessageWriter,
} from '../message-format.ts'
import { descriptorText, loadProtobuf, messagesOfDescriptor } from './protobuf-library.ts'
import { holdsBytes, misfit, plainMessages } from './protobuf-values.ts'
import { indexesOf, messageAt, messagesOfProto, type ProtoMessage } from './proto-names.ts'
import { type StoredSchema, UnusableSchemaError } from './registry-client.ts'
import { type MessageDecoder, RegistryMessageReader } from './registry-reader.ts'
import { type OpenedSchema, RegistryMessageWriter } from './registry-writer.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { messageIndexBytes, readMessageIndexes } from './wire-format.ts'

/** Options of `protobuf()`; all may be left out. */
export interface ProtobufFormatOptions {
  /** Messages name their schema by its id in this registry. Default: none, messages are nothing but the value. */
  readonly registry?: SchemaRegistry
  /**
   * True: a writer registers the file of its message, which may import nothing but Google's own, where the subject does not have
   * it. Default false: it writes under the newest schema of the subject, which must have a message of that name.
   */
  readonly autoRegister?: boolean
}

const NAMES: OptionNames<ProtobufFormatOptions> = { registry: true, autoRegister: true }
const INDEXES_AT = 5

/**
 * Messages in Protobuf's binary encoding, of one type, with the package `@bufbuild/protobuf` (^2), which is installed beside
 * millrace, and the code that its generator `protoc-gen-es` makes of `.proto` files.
 *
 * Records are the generated types, as plain objects; 64-bit integers are bigints, so nothing is rounded. Fields that the type
 * does not know are dropped. Writing takes records without `$typeName` as well, and those that lack fields.
 *
 * With a registry a message of another type under the same topic is a bad one, not a garbled one of this type.
 *
 * @param schema What the generator exports, such as `OrderSchema`; or any other descriptor of the library.
 *
 * @example
 * kafkaSource({ topics: ['orders'], value: protobuf(OrderSchema, { registry }), … })
 */
export function protobuf<D extends DescMessage>(
  schema: D,
  options: ProtobufFormatOptions = {},
): MessageFormat<MessageShape<D>> {
  checkOptionNames(options, NAMES, 'protobuf()', 'MR_FORMAT_INVALID')
  if ((schema as { kind?: unknown } | undefined)?.kind !== 'message') {
    throw invalid(
      `${String(schema)} is no type of message`,
      'give what the generator exports, such as OrderSchema',
    )
  }
  const { registry, autoRegister = false } = options
  if (autoRegister && registry === undefined) {
    throw invalid('autoRegister is set without a registry', 'give a registry')
  }
  const codec = codecOf<MessageShape<D>>(schema)
  if (registry !== undefined) return withRegistry(schema, codec, registry, autoRegister)
  const reader: MessageReader<MessageShape<D>> = { read: codec.decode }
  const writer: MessageWriter<MessageShape<D>> = {
    write: (value) => Buffer.from(codec.encode(value)),
  }
  return {
    messageKind: 'protobuf',
    createMessageReader: () => reader,
    createMessageWriter: () => writer,
  }
}

interface Codec<T> {
  decode(bytes: Buffer): T
  encode(value: unknown): Uint8Array
}

function codecOf<T>(schema: DescMessage): Codec<T> {
  const { create, fromBinary, toBinary } = loadProtobuf()
  const toPlain = plainMessages(schema)
  const copies = holdsBytes(schema)
  const options = { readUnknownFields: false }
  return {
    decode(bytes) {
      let message: unknown
      try {
        message = fromBinary(schema, copies ? new Uint8Array(bytes) : bytes, options)
      } catch (error) {
        const problem = `is not what ${schema.typeName} is in Protobuf: ${(error as Error).message}`
        throw new BadMessageError({ problem })
      }
      return (toPlain === undefined ? message : toPlain(message)) as T
    },
    encode(value) {
      const problem = misfit(schema, value)
      if (problem !== undefined) throw unsupported(problem)
      const { $typeName, ...fields } = value as Message
      if ($typeName !== undefined) {
        try {
          return toBinary(schema, value as Message)
        } catch {
          // It lacks fields, or something within has no $typeName; what is really wrong is found below.
        }
      }
      try {
        return toBinary(schema, create(schema, fields))
      } catch (error) {
        throw unsupported(`the value cannot be written: ${(error as Error).message}`, error)
      }
    },
  }
}

function withRegistry<T>(
  schema: DescMessage,
  codec: Codec<T>,
  registry: SchemaRegistry,
  autoRegister: boolean,
): MessageFormat<T> {
  const text = autoRegister ? ownText(schema) : undefined
  const open = async (context: MessageContext): Promise<OpenedSchema> => {
    const subject = registry.subjectOf(context, schema.typeName)
    if (text !== undefined) {
      const id = await registry.client.idOf(subject, { kind: 'PROTOBUF', text }, true)
      const path = indexesOf(messagesOfDescriptor(text), schema.typeName) as readonly number[]
      return { id, encode: codec.encode, between: messageIndexBytes(path) }
    }
    const stored = await registry.client.latest(subject)
    const path = indexesOf(messagesOf(stored), schema.typeName)
    if (path === undefined) {
      throw new UnusableSchemaError(
        `schema ${stored.id}, the newest of subject "${subject}", has no message ${schema.typeName}`,
      )
    }
    return { id: stored.id, encode: codec.encode, between: messageIndexBytes(path) }
  }
  return {
    messageKind: 'protobuf',
    createMessageReader: () =>
      new RegistryMessageReader(registry, (stored) => decoderOf(schema, codec, stored)),
    createMessageWriter: (context) => new RegistryMessageWriter<T>(context, () => open(context)),
  }
}

function decoderOf<T>(
  schema: DescMessage,
  codec: Codec<T>,
  stored: StoredSchema,
): MessageDecoder<T> {
  const messages = messagesOf(stored)
  const isFirst = messageAt(messages, [0]) === schema.typeName
  return (bytes) => {
    // A single 0 stands for the first message, which it nearly always is.
    if (isFirst && bytes[INDEXES_AT] === 0) return codec.decode(bytes.subarray(INDEXES_AT + 1))
    const indexes = readMessageIndexes(bytes)
    const name = indexes === undefined ? undefined : messageAt(messages, indexes.path)
    if (indexes === undefined || name === undefined) {
      throw new BadMessageError({
        problem: `names no message of schema ${stored.id}, which it was written with`,
      })
    }
    if (name !== schema.typeName) {
      throw new BadMessageError({ problem: `is a ${name}, where a ${schema.typeName} is wanted` })
    }
    return codec.decode(bytes.subarray(indexes.end))
  }
}

/** The messages of a stored schema: text, or a descriptor in Base64. */
function messagesOf({ id, kind, text }: StoredSchema): readonly ProtoMessage[] {
  if (kind !== 'PROTOBUF') {
    throw new UnusableSchemaError(`schema ${id} is of ${kind}, not of Protobuf`)
  }
  if (!/^[\w+/=\s]+$/.test(text)) return messagesOfProto(text)
  try {
    return messagesOfDescriptor(text)
  } catch (error) {
    throw new UnusableSchemaError(`schema ${id} is no Protobuf file: ${(error as Error).message}`)
  }
}

function ownText({ file, typeName }: DescMessage): string {
  const other = file.dependencies.find(({ proto }) => !proto.name.startsWith('google/protobuf/'))
  if (other === undefined) return descriptorText(file)
  throw invalid(
    `autoRegister is set for ${typeName}, whose file imports ${other.proto.name}`,
    'register both with the tools of the registry, and leave autoRegister out',
  )
}

function unsupported(problem: string, cause?: unknown): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `protobuf(): ${problem}; the message cannot be written; turn it into that before the sink, or change the schema.`,
    {},
    cause,
  )
}

function invalid(problem: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `protobuf(): ${problem}, so messages can be neither read nor written; ${wayOut}.`,
  )
}
