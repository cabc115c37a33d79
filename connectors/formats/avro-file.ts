import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { FileFormat } from '../format.ts'
import { type AvroLongs, type AvroSchema, avroType, schemaText } from './avro-codec.ts'
import { AVRO_CODECS, type AvroCompression } from './avro-file-codecs.ts'
import { AvroFileEncoder } from './avro-file-encoder.ts'
import type { AvroType } from './avro-library.ts'

/** Options of `avroFile()`. */
export interface AvroFileOptions {
  /** The schema of the records, which stands in each file: its JSON as a value or as text. */
  readonly schema: AvroSchema
  /** Of blocks. Default deflate, which every reader of Avro has; zstd is smaller and several times faster. */
  readonly compression?: AvroCompression
  /** What a long is in records: `number` (default), or `bigint`. */
  readonly longs?: AvroLongs
}

const NAMES: OptionNames<AvroFileOptions> = { schema: true, compression: true, longs: true }

/**
 * Writes Avro object container files, for `s3Sink()`. Needs the package `avsc` (^5.7), and for snappy the package `snappy`.
 *
 * Records are as `avro()` has them, so what was read by that can be written by this: plain objects, logical types as what they are
 * stored as. A file has the schema in its header, and blocks of 128 KiB, or those of fewer bytes that a checkpoint ends. (`avro()` is for
 * messages of one record each, which have no schema in them.)
 *
 * The type is taken on trust: a record that does not fit the schema fails with `MR_VALUE_UNSUPPORTED` and the path of the field;
 * fields that the schema lacks are left out. Options that mean nothing fail with `MR_FORMAT_INVALID`, a missing package with
 * `MR_DEPENDENCY_MISSING`.
 *
 * @example
 * s3Sink({ path: 's3://lake/orders', format: avroFile<Order>({ schema: orderSchema, compression: 'zstd' }) })
 */
export function avroFile<T = unknown>(options: AvroFileOptions): FileFormat<T> {
  checkOptionNames(options, NAMES, 'avroFile()', 'MR_FORMAT_INVALID')
  const { schema, compression = 'deflate', longs = 'number' } = options
  if (!Object.hasOwn(AVRO_CODECS, compression)) {
    const known = Object.keys(AVRO_CODECS).join(', ')
    throw invalid(`compression is ${givenText(compression)}`, `give one of ${known}`)
  }
  if (longs !== 'number' && longs !== 'bigint') {
    throw invalid(`longs is ${givenText(longs)}`, 'give "number" or "bigint"')
  }
  const common = {
    type: typeOf(schema, longs),
    schemaText: schemaText(schema),
    codec: AVRO_CODECS[compression](),
  }
  return { suffix: '.avro', createEncoder: () => new AvroFileEncoder<T>(common) }
}

function typeOf(schema: AvroSchema | undefined, longs: AvroLongs): AvroType {
  if (schema === undefined) throw invalid('schema is missing', 'give one')
  try {
    return avroType(schema, longs)
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw invalid(`schema is no Avro schema: ${(error as Error).message}`, 'correct it')
  }
}

function invalid(problem: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `avroFile(): ${problem}, so no files can be written; ${wayOut}.`,
  )
}
