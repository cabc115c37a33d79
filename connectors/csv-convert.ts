import { decodeOwnText, ownText } from './text-block.ts'

/** What a CSV column may be converted to. */
export type CsvColumnType = 'string' | 'number' | 'boolean' | 'bigint'

/** A wanted column: its name, its place in the row and its type. */
export interface CsvField {
  readonly name: string
  readonly index: number
  readonly type: CsvColumnType
}

/** Converts a row of fields into a record; undefined after it has called `fail` with the number of the bad field. */
export type RowConverter = (row: readonly string[]) => unknown

type FieldConverter = (text: string) => unknown

/**
 * A decimal number exactly as written: digits, sign, point, exponent. NaN for anything else: empty, blanks, hexadecimal,
 * `Infinity`, and integers beyond 2^53, which would lose digits.
 */
export function parseNumber(text: string): number {
  const value = +text
  if (value - value !== 0) return NaN
  const first = text.charCodeAt(0)
  const last = text.charCodeAt(text.length - 1)
  if (!(isDigit(first) || first === 45 || first === 46 || first === 43)) return NaN
  if (!(isDigit(last) || last === 46)) return NaN
  if (first === 48 && isRadixPrefix(text.charCodeAt(1) | 32)) return NaN
  if (text.length > 15 && Number.isInteger(value) && !Number.isSafeInteger(value)) return NaN
  return value
}

/** `true`, `false` in any case, `1` or `0`; undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  const lower = text.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}

/** A decimal integer of any length; undefined for anything else. */
export function parseBigint(text: string): bigint | undefined {
  return /^-?\d+$/.test(text) ? BigInt(text) : undefined
}

/**
 * Makes the converter of a set of columns: generated code where that is allowed (a third of the cost), a loop where not.
 *
 * `isAscii` says that no field holds other characters, so that strings need no decoding.
 */
export function rowConverter(
  fields: readonly CsvField[],
  isAscii: boolean,
  fail: (field: number) => undefined,
  generate = true,
): RowConverter {
  const converters = fields.map((field) => fieldConverter(field.type, isAscii))
  if (generate) {
    try {
      return generateConverter(fields, converters, fail)
    } catch (error) {
      // Code generation is forbidden in this process; the loop does the same.
      if (!(error instanceof EvalError)) throw error
    }
  }
  return loopConverter(fields, converters, fail)
}

function fieldConverter(type: CsvColumnType, isAscii: boolean): FieldConverter {
  switch (type) {
    case 'number':
      return parseNumber
    case 'boolean':
      return parseBoolean
    case 'bigint':
      return parseBigint
    case 'string':
      return isAscii ? ownText : decodeOwnText
  }
}

/** Names of columns reach the code only as JSON text in computed position (N26). */
function generateConverter(
  fields: readonly CsvField[],
  converters: readonly FieldConverter[],
  fail: (field: number) => undefined,
): RowConverter {
  let checks = ''
  let members = ''
  fields.forEach((field, i) => {
    const bad = field.type === 'number' ? `v${i} !== v${i}` : `v${i} === undefined`
    checks += `const v${i} = c${i}(row[${field.index}]); if (${bad}) return fail(${i});\n`
    members += `[${JSON.stringify(field.name)}]: v${i},\n`
  })
  const names = converters.map((_, i) => `c${i}`)
  const make = new Function(
    'fail',
    ...names,
    `return (row) => {\n${checks}return {\n${members}}\n}`,
  )
  return make(fail, ...converters) as RowConverter
}

function loopConverter(
  fields: readonly CsvField[],
  converters: readonly FieldConverter[],
  fail: (field: number) => undefined,
): RowConverter {
  return (row) => {
    const entries: [string, unknown][] = []
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as CsvField
      const value = (converters[i] as FieldConverter)(row[field.index] as string)
      if (value === undefined || value !== value) return fail(i)
      entries.push([field.name, value])
    }
    return Object.fromEntries(entries)
  }
}

function isDigit(code: number): boolean {
  return code > 47 && code < 58
}

/** The letters x, b and o behind a zero, in lower case. */
function isRadixPrefix(code: number): boolean {
  return code === 120 || code === 98 || code === 111
}
