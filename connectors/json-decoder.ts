import { describeSyntax, type JsonDialect, parseExactly } from './json-parse.ts'
import type { BadRow, DecoderStart, RecordDecoder } from './read-format.ts'
import { checkWithSchema } from './schema-check.ts'
import { TextBlock, decodeText, displayText } from './text-block.ts'

const BLANK = /^[ \t\r]*$/

/** Reads JSON lines: one JSON value a line, blank lines skipped. */
export class JsonDecoder<T> implements RecordDecoder<T> {
  value: T = undefined as T
  bad: BadRow | undefined
  readonly header: undefined = undefined
  readonly #dialect: JsonDialect<T>
  readonly #where: string
  readonly #block: TextBlock
  #start = 0
  #end = 0
  #ended = false

  constructor(dialect: JsonDialect<T>, start: DecoderStart) {
    this.#dialect = dialect
    this.#where = start.where
    this.#block = new TextBlock(start.offset ?? 0, start.line ?? 1)
  }

  push(chunk: Uint8Array): void {
    this.#block.append(this.#end, chunk, this.#where)
    this.#start = 0
    this.#end = 0
  }

  end(): void {
    this.#ended = true
  }

  next(): boolean {
    const { text } = this.#block
    if (this.#block.isWaiting && !this.#ended) return false
    while (this.#end < text.length) {
      const at = text.indexOf('\n', this.#end)
      if (at === -1 && !this.#ended) return false
      this.#start = this.#end
      this.#end = at === -1 ? text.length : at + 1
      const line = text.slice(this.#start, at === -1 ? text.length : at)
      if (BLANK.test(line)) continue
      this.#read(line)
      return true
    }
    return false
  }

  get offset(): number {
    return this.#block.base + this.#end
  }

  get line(): number {
    return this.#block.lineAt(this.#end)
  }

  get recordOffset(): number {
    return this.#block.base + this.#start
  }

  get recordLine(): number {
    return this.#block.lineAt(this.#start)
  }

  get rawRecord(): string {
    return displayText(this.#block.text.slice(this.#start, this.#end)).replace(/\r?\n$/, '')
  }

  #read(line: string): void {
    const text = this.#block.isAscii ? line : decodeText(line)
    if (text === undefined) {
      this.bad = { problem: 'is not valid UTF-8' }
      return
    }
    try {
      this.value = parseExactly(text, this.#dialect.bigints) as T
      this.bad = undefined
    } catch (error) {
      this.bad = describeSyntax(error)
      return
    }
    const { validate } = this.#dialect
    if (validate === undefined) return
    const checked = checkWithSchema(validate, this.value)
    this.bad = checked.bad
    if (checked.bad === undefined) this.value = checked.value
  }
}
