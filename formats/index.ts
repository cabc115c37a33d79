/** Formats of messages that need a package or a service of their own, `millrace/formats`: an explicit list of names. */

export type { AvroLongs, AvroSchema } from '../connectors/formats/avro-codec.ts'
export { avro, type AvroFormatOptions } from '../connectors/formats/avro-format.ts'
export { float64, int32, int64 } from '../connectors/formats/number-formats.ts'
export { protobuf, type ProtobufFormatOptions } from '../connectors/formats/protobuf-format.ts'
export {
  schemaRegistry,
  type SchemaRegistry,
  type SchemaRegistryOptions,
  type SubjectNaming,
} from '../connectors/formats/schema-registry.ts'
export { BadMessageError, type MessageContext } from '../connectors/message-format.ts'
export type { MessageFormat, MessageReader, MessageWriter } from '../connectors/message-format.ts'
