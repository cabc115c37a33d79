import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { FileFormat } from '../format.ts'
import type { ParquetRecord, ParquetSchema } from './parquet-columns.ts'
import { ParquetEncoder } from './parquet-encoder.ts'
import { CODECS, loadParquet, type ParquetCompression } from './parquet-library.ts'
import { checkSchema, footerElements, schemaElements } from './parquet-schema.ts'

const DEFAULT_ROW_GROUP_ROWS = 50_000

/** Options of `parquet()`. */
export interface ParquetFormatOptions<S extends ParquetSchema> {
  /** The columns, in order: `{ id: 'int64', at: 'timestamp', note: 'string?', tags: { list: 'string' } }`. */
  readonly schema: S
  /** Of pages. Default zstd: smaller than snappy, and faster, as snappy is done in JavaScript. */
  readonly compression?: ParquetCompression
  /** So many rows make a row group, or 32 MiB of them; one is encoded at once, at about 250,000 rows/s. Default 50,000. */
  readonly rowGroupRows?: number
}

const PARQUET: OptionNames<ParquetFormatOptions<ParquetSchema>> = {
  schema: true,
  compression: true,
  rowGroupRows: true,
}

/**
 * Writes Parquet, for `s3Sink()`. Needs the package `hyparquet-writer`.
 *
 * Kinds of columns: `boolean`, `int32`, `int64` (bigints, or numbers that are whole), `float`, `double`, `string`, `bytes`, `date` (a
 * Date, `"2026-11-22"`, or days since the epoch), `timestamp` (a Date, or milliseconds; UTC), `uuid`, `json` (any value that JSON holds),
 * each with `?` behind it where it may be null or missing; `{ decimal: [digits, digits behind the point] }` (texts, bigints, numbers as
 * they print, or bytes with its units as Avro has them), `{ list: column }`, `{ map: column }` with texts as keys, and
 * `{ struct: columns }`, each with `nullable: true`. Columns are also derived: from an Avro schema by `parquetSchemaOf()`, from an example
 * record by `parquetSchemaLike()`.
 *
 * Nothing is rounded or cut in silence, but for `float`: a value that does not fit its column fails with `MR_VALUE_UNSUPPORTED` and the
 * path of the column. Other fields of records are left out. Files hold row groups with statistics, and a footer, so a file is
 * readable only once it is complete. Options that mean nothing fail with `MR_FORMAT_INVALID`.
 *
 * @example
 * const clicks = parquet({ schema: { id: 'int64', at: 'timestamp', price: { decimal: [12, 2] }, tags: { list: 'string' } } })
 */
export function parquet<const S extends ParquetSchema>(
  options: ParquetFormatOptions<S>,
): FileFormat<ParquetRecord<S>> {
  checkOptionNames(options, PARQUET, 'parquet()', 'MR_FORMAT_INVALID')
  const { compression = 'zstd', rowGroupRows = DEFAULT_ROW_GROUP_ROWS } = options
  if (!Object.hasOwn(CODECS, compression)) {
    throw invalid('compression', compression, Object.keys(CODECS).join(', '))
  }
  if (!(Number.isSafeInteger(rowGroupRows) && rowGroupRows > 0)) {
    throw invalid('rowGroupRows', rowGroupRows, 'a whole number of rows')
  }
  const columns = checkSchema(options.schema)
  const elements = schemaElements(columns)
  const common = {
    library: loadParquet(),
    columns,
    elements,
    footer: footerElements(elements),
    codec: CODECS[compression],
    rowGroupRows,
  }
  return {
    suffix: '.parquet',
    createEncoder: () => new ParquetEncoder(common),
  }
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `parquet(): ${option} is ${givenText(found)} (${typeof found}), so no files can be written; give ${wanted}.`,
    { option },
  )
}
