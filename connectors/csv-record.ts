import {
  type CsvColumnType,
  type CsvField,
  type RowConverter,
  rowConverter,
} from './csv-convert.ts'
import { MALFORMED } from './csv-rows.ts'
import type { BadRow } from './read-format.ts'
import { displayText } from './text-block.ts'

/** The wanted columns with their types. */
type Columns = Readonly<Record<string, CsvColumnType>>

/** Makes records of rows whose columns are known: converts the wanted fields, and says what does not convert. */
export class CsvRecordReader<T> {
  /** The record of the last row that was good. */
  value: T = undefined as T
  readonly #columnCount: number
  readonly #fields: readonly CsvField[]
  readonly #convertAscii: RowConverter
  readonly #convertText: RowConverter
  #failed = -1

  /**
   * @param names Of all columns in order.
   * @param columns The wanted ones; undefined takes all, as strings.
   * @param missing Makes the error for a wanted column that is not among them.
   */
  constructor(
    names: readonly string[],
    columns: Columns | undefined,
    missing: (name: string) => Error,
  ) {
    this.#columnCount = names.length
    this.#fields = (columns === undefined ? names : Object.keys(columns)).map((name) => {
      const index = names.indexOf(name)
      if (index === -1) throw missing(name)
      return { name, index, type: columns?.[name] ?? 'string' }
    })
    const fail = (field: number) => {
      this.#failed = field
      return undefined
    }
    this.#convertAscii = rowConverter(this.#fields, true, fail)
    this.#convertText = rowConverter(this.#fields, false, fail)
  }

  /** Sets `value`, or says what is wrong with the row. Without `isAscii` its fields are bytes as latin1 text. */
  read(row: readonly string[], isAscii: boolean): BadRow | undefined {
    if (row === MALFORMED) {
      return { problem: 'has a quote that is not closed, or text behind a closing quote' }
    }
    if (row.length !== this.#columnCount) {
      return { problem: `has ${row.length} fields where there are ${this.#columnCount} columns` }
    }
    const value = isAscii ? this.#convertAscii(row) : this.#convertText(row)
    if (value === undefined) return this.#describeFailure(row)
    this.value = value as T
    return undefined
  }

  #describeFailure(row: readonly string[]): BadRow {
    const field = this.#fields[this.#failed] as CsvField
    const text = row[field.index] as string
    const value = displayText(text)
    const kind = field.type === 'string' ? 'valid UTF-8' : `a ${field.type}`
    const tooLong = field.type === 'number' && /^[+-]?\d{16,}$/.test(text)
    const problem = tooLong
      ? 'is an integer beyond 2^53, which a number cannot hold exactly (declare the column as string or bigint)'
      : `is not ${kind}`
    return { problem, column: field.name, value }
  }
}
