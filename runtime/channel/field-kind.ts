/**
 * What a field holds in most records. `int32` has held whole numbers of 32 bits only, which the decoder makes without a heap
 * object, unlike any other `number`. `any` goes through the value codec; `unknown` has been null or undefined so far.
 */
export type FieldKind =
  'int32' | 'number' | 'string' | 'boolean' | 'bigint' | 'date' | 'object' | 'any' | 'unknown'

const KINDS: ReadonlySet<unknown> = new Set<FieldKind>([
  'int32',
  'number',
  'string',
  'boolean',
  'bigint',
  'date',
  'object',
  'any',
  'unknown',
])

export function isFieldKind(value: unknown): value is FieldKind {
  return KINDS.has(value)
}

/** The kind of a field that holds this value; `object` for every plain object. */
export function kindOfValue(value: unknown): FieldKind {
  switch (typeof value) {
    case 'number':
      return isInt32(value) ? 'int32' : 'number'
    case 'string':
      return 'string'
    case 'boolean':
      return 'boolean'
    case 'bigint':
      return 'bigint'
    case 'undefined':
      return 'unknown'
    default:
      if (value === null) return 'unknown'
      if (isDate(value)) return 'date'
      return Object.getPrototypeOf(value) === Object.prototype ? 'object' : 'any'
  }
}

/** Whether a record shows more about a field of this kind than is known: where it does, its shape is refined. */
export function refines(kind: FieldKind, value: unknown): boolean {
  if (kind === 'int32') return typeof value === 'number' && !isInt32(value)
  return kind === 'unknown' && value !== null && value !== undefined
}

/** Whether a value is a plain object with exactly these fields in this order. */
export function hasFields(value: unknown, fields: readonly { readonly name: string }[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  let count = 0
  for (const name in value) {
    if (count === fields.length || fields[count]!.name !== name) return false
    count++
  }
  return count === fields.length
}

/** Whether 32 bits hold the number; −0 is another one than 0. */
export function isInt32(value: unknown): value is number {
  return typeof value === 'number' && Object.is(value | 0, value)
}

export function isDate(value: unknown): value is Date {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Date.prototype
  )
}

export function isInt64(value: unknown): value is bigint {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
}
