/** Formats that need a package or a service of their own, `millrace/formats`: an explicit list of names. */

export type { AvroLongs, AvroSchema } from './avro-codec.ts'
export { avroFile, type AvroFileOptions } from './avro-file.ts'
export type { AvroCompression } from './avro-file-codecs.ts'
export { avro, type AvroFormatOptions } from './avro-format.ts'
export { float64, int32, int64 } from './number-formats.ts'
export { parquet, type ParquetFormatOptions } from './parquet-format.ts'
export type { ParquetCompression } from './parquet-library.ts'
export {
  type ParquetColumnLike,
  parquetSchemaLike,
  type ParquetSchemaLike,
} from './parquet-like.ts'
export { parquetSchemaOf } from './parquet-of-avro.ts'
export type {
  ParquetColumn,
  ParquetDecimal,
  ParquetList,
  ParquetMap,
  ParquetPrimitive,
  ParquetRecord,
  ParquetSchema,
  ParquetSchemaOf,
  ParquetStruct,
} from './parquet-columns.ts'
export { protobuf, type ProtobufFormatOptions } from './protobuf-format.ts'
export {
  schemaRegistry,
  type SchemaRegistry,
  type SchemaRegistryOptions,
  type SubjectNaming,
} from './schema-registry.ts'
export { BadMessageError, type MessageContext } from '../message-format.ts'
export type { MessageFormat, MessageReader, MessageWriter } from '../message-format.ts'
export type { FileCut, FileEncoder, FileFormat } from '../format.ts'
