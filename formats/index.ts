/** Formats of messages that need a package or a service of their own, `millrace/formats`: an explicit list of names. */

export type { AvroLongs, AvroSchema } from '../connectors/formats/avro-codec.ts'
export { avro, type AvroFormatOptions } from '../connectors/formats/avro-format.ts'
export { protobuf, type ProtobufFormatOptions } from '../connectors/formats/protobuf-format.ts'
export {
  schemaRegistry,
  type SchemaRegistry,
  type SchemaRegistryOptions,
  type SubjectNaming,
} from '../connectors/formats/schema-registry.ts'
