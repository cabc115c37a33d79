import { StreamError } from '../runtime/errors.ts'

/** Deeper nesting is taken for a cycle. */
const MAX_DEPTH = 500

/** What a look at a value has found: JSON holds it as it is, it holds bigints, or something that JSON would change. */
const PLAIN = 0
const HAS_BIGINT = 1
const UNSUPPORTED = 2

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** One record as a line of JSON, with its line end; as `encodeJson`. */
export function encodeJsonLine(value: unknown): string {
  return encodeJson(value) + '\n'
}

/**
 * One record as JSON, on one line.
 *
 * What JSON holds is written as `JSON.stringify` does: fields that are undefined are left out, a Date becomes its ISO text,
 * -0 becomes 0, a lone surrogate is escaped. A bigint is written as an exact integer. What JSON would change in silence fails
 * with `MR_VALUE_UNSUPPORTED` and the path of the field: NaN, infinities, Map, Set, bytes, functions, symbols, instances of
 * classes, invalid dates, and undefined as the record or in an array.
 *
 * Costs one look at each field on top of `JSON.stringify`; with bigints about five times as much.
 */
export function encodeJson(value: unknown): string {
  const kind = survey(value, 0)
  if (kind === PLAIN) return JSON.stringify(value)
  if (kind === HAS_BIGINT) return JSON.stringify(value, exactBigints)
  throw unsupported(value)
}

function exactBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(String(value)) : value
}

function survey(value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return PLAIN
    case 'number':
      return value - value === 0 ? PLAIN : UNSUPPORTED
    case 'object':
      return value === null ? PLAIN : surveyObject(value, depth)
    case 'bigint':
      return HAS_BIGINT
    default:
      return UNSUPPORTED
  }
}

function surveyObject(value: object, depth: number): number {
  if (depth === MAX_DEPTH) return UNSUPPORTED
  if (Array.isArray(value)) return surveyArray(value, depth)
  if (!isPlainObject(value)) return isValidDate(value) ? PLAIN : UNSUPPORTED
  let worst = PLAIN
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name]
    if (field === undefined) continue
    const found = survey(field, depth + 1)
    if (found > worst) worst = found
  }
  return worst
}

function surveyArray(values: readonly unknown[], depth: number): number {
  let worst = PLAIN
  for (let i = 0; i < values.length; i++) {
    const found = survey(values[i], depth + 1)
    if (found > worst) worst = found
  }
  return worst
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isValidDate(value: object): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime())
}

function unsupported(record: unknown): StreamError {
  const { path, value } = findUnsupported(record, '', 0) ?? { path: '', value: record }
  const where = path === '' ? 'the record' : `field ${path}`
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `json(): ${where} is ${describe(value)}, which JSON cannot hold; the record cannot be written; leave the field out, ` +
      `or turn it into a number, string, plain object or array before the sink.`,
    { path, type: typeof value },
  )
}

/** The first part of a value that `survey` refuses, with its path. */
function findUnsupported(
  value: unknown,
  path: string,
  depth: number,
): { readonly path: string; readonly value: unknown } | undefined {
  if (survey(value, depth) !== UNSUPPORTED) return undefined
  if (depth === MAX_DEPTH || typeof value !== 'object' || value === null) return { path, value }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const found = findUnsupported(value[i], `${path}[${i}]`, depth + 1)
      if (found !== undefined) return found
    }
  } else if (isPlainObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      if (field === undefined) continue
      const found = findUnsupported(field, memberPath(path, name), depth + 1)
      if (found !== undefined) return found
    }
  }
  return { path, value }
}

function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'number') return `${value} (number)`
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  if (value instanceof Date) return 'an invalid Date'
  if (ArrayBuffer.isView(value)) return `bytes (${value.constructor.name})`
  if (Array.isArray(value) || isPlainObject(value)) {
    return `nested more than ${MAX_DEPTH} deep, or contains itself`
  }
  return `an instance of ${value.constructor?.name ?? 'a class'}`
}
