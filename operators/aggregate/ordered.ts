import { StreamError } from '../../runtime/errors.ts'

/** What can be put into an order: numbers but NaN, bigints, and strings by their UTF-16 units, as `<` has it. */
export type Ordered = number | bigint | string

/** Fails with `MR_AGGREGATE_INVALID` unless a value can be put into an order; `what` names it in the message. */
export function checkOrdered(value: unknown, what: string): Ordered {
  if (typeof value === 'string') return value
  return checkNumeric(value, what, 'a number, a bigint or a string')
}

/** Fails with `MR_AGGREGATE_INVALID` unless a value can be added up; `what` names it in the message. */
export function checkNumeric(
  value: unknown,
  what: string,
  wanted = 'a number or a bigint',
): number | bigint {
  if (typeof value === 'bigint' || (typeof value === 'number' && value === value)) return value
  throw new StreamError(
    'MR_AGGREGATE_INVALID',
    `${what} is ${shown(value)}; it can neither be added up nor compared with others; leave such records out before (filter), or give it ${wanted}.`,
    { what, value: shown(value) },
  )
}

/** Below 0 if `a` comes before `b`, 0 if they are equal. Both have been checked; of two types they have no order. */
export function compareOrdered(a: Ordered, b: Ordered, what: string): number {
  if (typeof a !== typeof b) throw mixed(a, b, what)
  return a < b ? -1 : a > b ? 1 : 0
}

/** The sum of two values that have been checked, of one type. */
export function addNumeric<N extends number | bigint>(a: N, b: N, what: string): N {
  if (typeof a !== typeof b) throw mixed(a, b, what)
  // Of two infinities there may be no sum.
  return checkNumeric((a as number) + (b as number), `the sum of ${what}`) as N
}

function mixed(a: Ordered, b: Ordered, what: string): StreamError {
  return new StreamError(
    'MR_AGGREGATE_INVALID',
    `${what} is ${shown(b)} where it was ${shown(a)} before; values of two types can neither be added up nor compared; give all records one type.`,
    { what, value: shown(b), before: shown(a) },
  )
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `${JSON.stringify(value.slice(0, 100))} (string)`
  if (value === undefined || value === null) return String(value)
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  return `${String(value)} (${typeof value})`
}
