import { StreamError } from '../runtime/errors.ts'
import type { CsvColumnType } from './csv-convert.ts'
import type { CsvSyntax } from './csv-rows.ts'

/** Writes records as rows of CSV whose columns are known. */
export class CsvRowWriter {
  readonly #syntax: CsvSyntax
  readonly #names: readonly string[]
  readonly #types: readonly CsvColumnType[]
  /** Finds what cannot stand in a field as it is. */
  readonly #special: RegExp

  /** @param columns Types of the columns; undefined takes all as strings. One that is named but not there is left empty. */
  constructor(
    syntax: CsvSyntax,
    names: readonly string[],
    columns: Readonly<Record<string, CsvColumnType>> | undefined,
  ) {
    this.#syntax = syntax
    this.#names = names
    this.#types = names.map((name) => columns?.[name] ?? 'string')
    const special = [syntax.delimiter, syntax.quote ?? '', '\r', '\n'].join('')
    this.#special = new RegExp(`[${special.replaceAll(/[\\\]^-]/g, '\\$&')}]`)
  }

  /** The names of the columns as a row, without its line end. */
  header(): string {
    return this.#names.map((name) => this.#textField(name, name)).join(this.#syntax.delimiter)
  }

  /** A record as a row, without its line end; fails with `MR_VALUE_UNSUPPORTED` for a field that is not of its column's type. */
  row(record: unknown): string {
    if (typeof record !== 'object' || record === null) {
      throw unsupported('the record', record, 'an object with a field for each column belongs')
    }
    let row = ''
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i] as string
      if (i > 0) row += this.#syntax.delimiter
      row += this.#field(name, (record as Record<string, unknown>)[name], this.#types[i] as string)
    }
    // A row that is nothing at all would be a blank line.
    return row === '' && this.#syntax.quote !== undefined
      ? this.#syntax.quote + this.#syntax.quote
      : row
  }

  #field(name: string, value: unknown, type: string): string {
    // oxlint-disable-next-line valid-typeof
    if (typeof value !== type) throw unsupported(`column "${name}"`, value, `a ${type} belongs`)
    if (typeof value === 'string') return this.#textField(name, value)
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw unsupported(`column "${name}"`, value, 'CSV holds finite numbers only')
    }
    return String(value)
  }

  #textField(name: string, text: string): string {
    if (!text.isWellFormed()) {
      throw unsupported(`column "${name}"`, text, 'UTF-8 holds no half of a surrogate pair')
    }
    if (!this.#special.test(text)) return text
    const { quote } = this.#syntax
    if (quote === undefined) {
      throw unsupported(`column "${name}"`, text, 'a delimiter or line end needs quotes')
    }
    return quote + text.replaceAll(quote, quote + quote) + quote
  }
}

function unsupported(what: string, value: unknown, why: string): StreamError {
  const shown =
    typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : value === null ? 'null' : ''
  const found = shown === '' ? `a value of type ${typeof value}` : shown
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `csv(): ${what} is ${found}, where ${why}; the record cannot be written; convert it before the sink, or change ` +
      `the columns of csv().`,
    { type: typeof value },
  )
}
