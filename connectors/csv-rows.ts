import Papa from 'papaparse'
import { MAX_RECORD_BYTES } from './text-block.ts'

/** How the fields and rows of a CSV text are told apart. */
export interface CsvSyntax {
  readonly delimiter: string
  /** Undefined where no field is quoted. */
  readonly quote: string | undefined
}

/** Stands for a row that has a malformed quote. */
export const MALFORMED: readonly string[] = Object.freeze([])

/** What the parser gives: all rows at once, or, with a step function, each by itself. */
interface Parsed {
  readonly data: string[][]
  readonly errors: readonly unknown[]
  readonly meta: { readonly cursor: number }
}

/**
 * The rows of one piece of CSV text, and where each ends; Papa Parse does the splitting.
 *
 * Where rows end is found out only when somebody asks (a checkpoint, a bad record), with a second look at the text: the parser
 * takes three times as long when it has to tell for every row, most of it in the garbage collector. A row with a malformed
 * quote ends at its first line end, so that one stray quote costs one line, not the rest of the file.
 */
export class CsvRows {
  readonly #syntax: CsvSyntax
  readonly #text: string
  readonly #isLast: boolean
  readonly #rows: readonly (readonly string[])[]
  /** Where the last row ends. */
  readonly #end: number
  /** Where each row ends; undefined until somebody asks. */
  #ends: readonly number[] | undefined
  readonly #hasCarriageReturns: boolean

  /** Without `isLast` an incomplete row at the end is left out: it will be complete with more text. */
  constructor(syntax: CsvSyntax, text: string, isLast: boolean) {
    this.#syntax = syntax
    this.#text = text
    this.#isLast = isLast
    this.#hasCarriageReturns = text.includes('\r')
    const parsed = this.#parseAtOnce()
    if (parsed !== undefined) {
      this.#rows = parsed.data
      this.#end = parsed.meta.cursor
      return
    }
    const { rows, ends } = this.#locate()
    this.#rows = rows
    this.#ends = ends
    this.#end = ends.at(-1) ?? 0
  }

  get count(): number {
    return this.#rows.length
  }

  /** The fields of a row as they stand in the text, or `MALFORMED`. Ask once for each: it may be changed. */
  fields(row: number): readonly string[] {
    const fields = this.#rows[row] as readonly string[]
    if (!this.#hasCarriageReturns || fields === MALFORMED) return fields
    return this.#withoutCarriageReturn(row, fields as string[])
  }

  /** Where a row begins in the text: at the end of the one before it. */
  startOf(row: number): number {
    return row <= 0 ? 0 : this.endOf(row - 1)
  }

  /** Where a row ends, behind its line end. The first question costs as much as splitting the text did, twice over. */
  endOf(row: number): number {
    if (row === this.#rows.length - 1) return this.#end
    this.#ends ??= this.#locate().ends
    return this.#ends[row] as number
  }

  /** The fast way, for texts without anything odd; undefined where rows must be looked at one by one. */
  #parseAtOnce(): Parsed | undefined {
    const { quote } = this.#syntax
    // Then a quoted field may end with CR, which is not that of a line end.
    const isOdd = this.#hasCarriageReturns && quote !== undefined
    if (isOdd && this.#text.includes(`\r${quote}`)) return undefined
    const parsed = this.#parser().parse(this.#text, 0, this.#leavesRest(this.#text)) as Parsed
    if (parsed.errors.length > 0 || this.#isUnfinished(parsed.meta.cursor)) return undefined
    return parsed
  }

  /** The slow way: each row by itself, malformed ones too, with its end. */
  #locate(): { readonly rows: (readonly string[])[]; readonly ends: readonly number[] } {
    const rows: (readonly string[])[] = []
    const ends: number[] = []
    let from: number | undefined = 0
    while (from !== undefined && from < this.#text.length) from = this.#locateFrom(from, rows, ends)
    return { rows, ends }
  }

  /** Goes on from a row's start; returns where to go on behind a malformed row, undefined when all is done. */
  #locateFrom(from: number, rows: (readonly string[])[], ends: number[]): number | undefined {
    const text = this.#text
    let resume: number | undefined
    let start = from
    const parser = this.#parser((result) => {
      const malformed = result.errors.length > 0
      start = malformed ? lineEnd(text, start) : from + result.meta.cursor
      rows.push(malformed ? MALFORMED : (result.data[0] as readonly string[]))
      ends.push(start)
      if (malformed) {
        resume = start
        parser.abort()
      }
    })
    const input = from === 0 ? text : text.slice(from)
    parser.parse(input, 0, this.#leavesRest(input))
    if (resume !== undefined) return resume
    if (!this.#isUnfinished(start)) return undefined
    // A quoted field that never ends: its first line is the bad row, and reading goes on behind that line. A line that
    // never ends is refused when more of it comes.
    const end = lineEnd(text, start)
    if (end === text.length && !this.#isLast) return undefined
    rows.push(MALFORMED)
    ends.push(end)
    return end
  }

  #parser(step?: (result: Parsed) => void): Papa.Parser {
    const { delimiter, quote } = this.#syntax
    return new Papa.Parser({
      delimiter,
      newline: '\n',
      ...(quote === undefined ? { fastMode: true } : { quoteChar: quote }),
      ...(step === undefined ? {} : { step }),
    } as Papa.ParseConfig)
  }

  /** A rest without a line end is a row only where nothing follows. */
  #leavesRest(input: string): boolean {
    return !(this.#isLast && !input.endsWith('\n'))
  }

  /** Whether something is left that will never be a good row. */
  #isUnfinished(end: number): boolean {
    const left = this.#text.length - end
    return this.#isLast ? left > 0 : left > MAX_RECORD_BYTES
  }

  /**
   * The parser is told that lines end with LF; of CRLF the CR belongs to an unquoted last field, and only there. Where the
   * text was split at once, no quoted field ends with CR.
   */
  #withoutCarriageReturn(row: number, fields: string[]): readonly string[] {
    const last = fields[fields.length - 1] as string
    if (!last.endsWith('\r')) return fields
    if (this.#ends !== undefined && !this.#isUnquoted(row, fields.length, last)) return fields
    fields[fields.length - 1] = last.slice(0, -1)
    return fields
  }

  /** Whether the last field of a row stands in the text as it is, up to the row's end. */
  #isUnquoted(row: number, count: number, last: string): boolean {
    let end = this.endOf(row)
    if (this.#text.charCodeAt(end - 1) === 10) end--
    const start = end - last.length
    if (!this.#text.startsWith(last, start)) return false
    return count === 1
      ? start === this.startOf(row)
      : this.#text[start - 1] === this.#syntax.delimiter
  }
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from)
  return at === -1 ? text.length : at + 1
}
