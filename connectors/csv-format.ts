import { StreamError } from '../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { CsvColumnType } from './csv-convert.ts'
import { CsvDecoder, type CsvDialect } from './csv-decoder.ts'
import { CsvMessageReader, csvMessageWriter } from './csv-message.ts'
import { CsvRowWriter } from './csv-write.ts'
import type { WriteFormat } from './format.ts'
import type { MessageFormat } from './message-format.ts'
import type { ReadFormat } from './read-format.ts'

/** The columns wanted from a CSV file, with their types: `{ seq: 'number', card: 'string' }`. */
export type CsvColumns = Readonly<Record<string, CsvColumnType>>

interface CsvValues {
  string: string
  number: number
  boolean: boolean
  bigint: bigint
}

/** The record that a set of columns gives. */
export type CsvRecord<C extends CsvColumns> = { -readonly [K in keyof C]: CsvValues[C[K]] }

/** Options of `csv()`; all may be left out. */
export interface CsvOptions {
  /** One ASCII character between fields. Default `,`. */
  readonly delimiter?: string
  /** The ASCII character around fields that hold delimiters or line ends; false when there is none. Default `"`. */
  readonly quote?: string | false
  /**
   * True (default) when the first record names the columns. Where there is no header: a list of all column names in
   * order, or false when `columns` names all of them in order.
   */
  readonly header?: boolean | readonly string[]
}

const CSV: OptionNames<CsvOptions & { readonly columns?: unknown }> = {
  delimiter: true,
  quote: true,
  header: true,
  columns: true,
}

/** What `csv()` makes: reads files, and single messages that are one row each. */
export type CsvReadFormat<T> = ReadFormat<T> & MessageFormat<T>

/** What `csv()` makes where all columns are known from its options: writes files too. */
export type CsvFormat<T> = CsvReadFormat<T> & WriteFormat<T>

/**
 * Reads and writes CSV (RFC 4180): quoted fields, line ends within them, UTF-8; files and messages of topics.
 *
 * With `columns` the record has exactly these keys, converted: `number` takes decimal numbers and refuses what would lose
 * digits, `boolean` takes true, false, 1 and 0, `bigint` decimal integers. Without, it has every column as a string.
 * Anything else (a missing or surplus field, a value that does not convert, an empty one where a number should be) makes the
 * row a bad record, for `onError` of the source.
 *
 * Files are read with LF or CRLF, with or without byte-order mark; blank lines are skipped where there is more than one column.
 * A message is one row without a header, so `columns`, or a list as `header`, must name all columns in order.
 *
 * Written are files in `.csv` with LF and, unless `header` says otherwise, a header each, and messages of one row without line
 * end. Fields are quoted where they must be. A value that is not of the type of its column fails with `MR_VALUE_UNSUPPORTED`,
 * so do NaN and infinities; other fields of the record are left out.
 *
 * @example
 * const transactions = csv({ columns: { seq: 'number', cc_num: 'string', amt: 'number' } })
 */
export function csv<const C extends CsvColumns>(
  options: CsvOptions & { readonly columns: C },
): CsvFormat<CsvRecord<C>>
export function csv<const H extends readonly string[]>(
  options: CsvOptions & { readonly columns?: undefined; readonly header: H },
): CsvFormat<Record<H[number], string>>
export function csv(
  options?: CsvOptions & { readonly columns?: undefined },
): CsvReadFormat<Record<string, string>>
export function csv(
  options: CsvOptions & { readonly columns?: CsvColumns | undefined } = {},
): CsvReadFormat<unknown> {
  const dialect = checkOptions(options)
  return {
    ...fileWriter(dialect),
    hasHeader: dialect.names === undefined,
    createDecoder: (start) => new CsvDecoder<unknown>(dialect, start),
    messageKind: 'csv',
    createMessageReader: () => new CsvMessageReader<unknown>(dialect),
    createMessageWriter: () => csvMessageWriter<unknown>(dialect),
  }
}

/** The part that writes files; nothing where the columns are not known. */
function fileWriter(dialect: CsvDialect): WriteFormat<unknown> | undefined {
  const names = dialect.names ?? Object.keys(dialect.columns ?? {})
  if (names.length === 0) return undefined
  const rows = new CsvRowWriter(dialect, names, dialect.columns)
  return {
    suffix: '.csv',
    ...(dialect.names === undefined ? { header: rows.header() + '\n' } : {}),
    encode: (value) => rows.row(value) + '\n',
  }
}

function checkOptions(
  options: CsvOptions & { readonly columns?: CsvColumns | undefined },
): CsvDialect {
  checkOptionNames(options, CSV, 'csv()', 'MR_FORMAT_INVALID')
  const { delimiter = ',', quote = '"', header = true, columns } = options
  if (!isSeparator(delimiter) || delimiter === '"') {
    throw invalid('delimiter', delimiter, 'one ASCII character other than a double quote')
  }
  if (quote !== false && (!isSeparator(quote) || quote === delimiter)) {
    throw invalid('quote', quote, 'one ASCII character other than the delimiter, or false')
  }
  for (const [name, type] of Object.entries(columns ?? {})) {
    if (!['string', 'number', 'boolean', 'bigint'].includes(type)) {
      throw invalid(`columns.${name}`, type, '"string", "number", "boolean" or "bigint"')
    }
  }
  const names = namesWithoutHeader(header, columns)
  return { delimiter, quote: quote === false ? undefined : quote, names, columns }
}

function namesWithoutHeader(
  header: boolean | readonly string[],
  columns: CsvColumns | undefined,
): readonly string[] | undefined {
  if (header === true) return undefined
  const names = header === false ? Object.keys(columns ?? {}) : header
  if (names.length === 0 || new Set(names).size !== names.length) {
    throw invalid('header', header, 'true, a list of different column names, or false with columns')
  }
  if (header === false && names.some((name) => /^\d+$/.test(name))) {
    throw invalid(
      'header',
      header,
      'a list of names, as columns named by numbers have no order of their own',
    )
  }
  const unknown = Object.keys(columns ?? {}).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw invalid('header', header, `a list that contains "${unknown}" of columns`)
  return names
}

/** The characters that the parser itself reserves are not possible. */
function isSeparator(text: string): boolean {
  return text.length === 1 && text >= '\t' && text <= '~' && text !== '\n' && text !== '\r'
}

function invalid(option: string, found: unknown, wanted: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `csv(): ${option} is ${JSON.stringify(found)} (${typeof found}), so the file cannot be split into records; give ${wanted}.`,
    { option, found },
  )
}
