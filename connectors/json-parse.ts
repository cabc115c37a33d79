import type { BadRow } from './read-format.ts'
import type { StandardSchema } from './standard-schema.ts'

/** What reading JSON needs to know. */
export interface JsonDialect<T> {
  readonly validate: StandardSchema<T> | undefined
  readonly bigints: boolean
}

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

/** Parses a JSON text; fails for a number that would lose digits. The reviver sees them as written, at five times the cost. */
export function parseExactly(text: string, bigints: boolean): unknown {
  const value: unknown = JSON.parse(text)
  return hasHugeNumber(value) ? JSON.parse(text, exactNumbers(bigints) as never) : value
}

/** Whether a parsed value holds a number that may have lost digits. */
function hasHugeNumber(value: unknown): boolean {
  if (typeof value === 'number') return isHuge(value)
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasHugeNumber)
  // Without a call for each field: nearly all of them hold neither objects nor huge numbers.
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name]
    if (typeof part === 'number') {
      if (isHuge(part)) return true
    } else if (typeof part === 'object' && hasHugeNumber(part)) {
      return true
    }
  }
  return false
}

function isHuge(value: number): boolean {
  return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER
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

/** Why `parseExactly` failed. */
export function describeSyntax(error: unknown): BadRow {
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
