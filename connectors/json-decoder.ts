import { StreamError } from '../runtime/errors.ts'
import type { BadRow, DecoderStart, RecordDecoder } from './read-format.ts'
import type { SchemaResult, StandardSchema } from './standard-schema.ts'
import { TextBlock, decodeText, displayText } from './text-block.ts'

/** What a JSON decoder needs to know. */
export interface JsonDialect<T> {
  readonly validate: StandardSchema<T> | undefined
  readonly bigints: boolean
}

const BLANK = /^[ \t\r]*$/

/** A number of the input that no JavaScript value of the wanted kind can hold. */
class UnsafeNumberError extends Error {
  readonly key: string
  readonly source: string

  constructor(key: string, source: string) {
    super(source)
    this.key = key
    this.source = source
  }
}

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
    if (this.#dialect.validate !== undefined) this.#validate(this.#dialect.validate, this.value)
  }

  #validate(schema: StandardSchema<T>, value: unknown): void {
    let result: SchemaResult<T> | Promise<SchemaResult<T>>
    try {
      result = schema['~standard'].validate(value)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.bad = { problem: `does not fit the schema, which threw: ${reason}` }
      return
    }
    if ('then' in result) {
      throw new StreamError(
        'MR_FORMAT_INVALID',
        `json(): the schema of "validate" answers with a promise, which a synchronous reader cannot wait for; ` +
          `use a schema without asynchronous checks.`,
      )
    }
    if (result.issues === undefined) {
      this.value = result.value
      return
    }
    const issue = result.issues[0]
    const path = (issue?.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))
    const problem = `does not fit the schema: ${issue?.message ?? 'no reason given'}`
    this.bad = path.length === 0 ? { problem } : { problem, column: path.map(String).join('.') }
  }
}

/** Parses a line; fails for a number that would lose digits. The reviver sees them as written, at five times the cost. */
function parseExactly(text: string, bigints: boolean): unknown {
  const value: unknown = JSON.parse(text)
  return hasHugeNumber(value) ? JSON.parse(text, exactNumbers(bigints) as never) : value
}

/** Whether a parsed value holds a number that may have lost digits. */
function hasHugeNumber(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasHugeNumber)
  for (const name in value) {
    if (hasHugeNumber((value as Record<string, unknown>)[name])) return true
  }
  return false
}

/** A reviver that looks at each number as it is written. */
function exactNumbers(bigints: boolean) {
  return (key: string, value: unknown, context: { readonly source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const source = context.source ?? ''
    if (/^-?\d+$/.test(source)) {
      if (bigints) return BigInt(source)
      throw new UnsafeNumberError(key, source)
    }
    if (!Number.isFinite(value)) throw new UnsafeNumberError(key, source)
    return value
  }
}

function describeSyntax(error: unknown): BadRow {
  if (error instanceof UnsafeNumberError) {
    const problem = /^-?\d+$/.test(error.source)
      ? 'is an integer beyond 2^53, which a number cannot hold exactly (use bigints: true)'
      : 'is beyond the range of numbers'
    return { problem, value: error.source, ...(error.key === '' ? {} : { column: error.key }) }
  }
  // A stack that overflows is the only other failure there is.
  const reason =
    error instanceof SyntaxError ? `is not JSON: ${error.message}` : 'is nested too deeply'
  return { problem: reason }
}
