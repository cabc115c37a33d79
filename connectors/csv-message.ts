import { isAscii } from 'node:buffer'
import { StreamError } from '../runtime/errors.ts'
import type { CsvDialect } from './csv-decoder.ts'
import { CsvRecordReader } from './csv-record.ts'
import { CsvRows } from './csv-rows.ts'
import { CsvRowWriter } from './csv-write.ts'
import { BadMessageError, type MessageReader, type MessageWriter } from './message-format.ts'

/** Reads messages that are one row of CSV each, without a header. */
export class CsvMessageReader<T> implements MessageReader<T> {
  readonly #dialect: CsvDialect
  readonly #records: CsvRecordReader<T>

  constructor(dialect: CsvDialect) {
    this.#dialect = dialect
    const names = messageColumns(dialect)
    this.#records = new CsvRecordReader(names, dialect.columns, (name) => noColumn(name))
  }

  read(bytes: Buffer): T {
    const rows = new CsvRows(this.#dialect, bytes.toString('latin1'), true)
    if (rows.count > 1) {
      throw new BadMessageError({ problem: `has ${rows.count} rows, where a message is one` })
    }
    const row = rows.count === 0 ? [''] : rows.fields(0)
    const bad = this.#records.read(row, isAscii(bytes))
    if (bad !== undefined) throw new BadMessageError(bad)
    return this.#records.value
  }
}

/** Writes messages that are one row of CSV each, without header and line end. */
export function csvMessageWriter<T>(dialect: CsvDialect): MessageWriter<T> {
  const rows = new CsvRowWriter(dialect, messageColumns(dialect), dialect.columns)
  return { write: (value) => Buffer.from(rows.row(value)) }
}

/** All columns in order. A message has no header, so they must be known from the options. */
function messageColumns({ names, columns }: CsvDialect): readonly string[] {
  if (names !== undefined) return names
  const own = Object.keys(columns ?? {})
  if (own.length > 0 && !own.some((name) => /^\d+$/.test(name))) return own
  throw new StreamError(
    'MR_FORMAT_INVALID',
    `csv(): messages have no header that would name their columns in order, so they can be neither read nor written; ` +
      `give columns, or a list of names as header where names are digits or not all columns are wanted.`,
  )
}

function noColumn(name: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `csv(): column "${name}" is not in the list of names; add it there.`,
  )
}
