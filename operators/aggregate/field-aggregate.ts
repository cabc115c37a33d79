import { givenText, StreamError } from '../../runtime/errors.ts'
import type { OptionNames } from '../../runtime/option-names.ts'
import { addNumeric, checkNumeric, checkOrdered, compareOrdered, type Ordered } from './ordered.ts'

/** Numbers and bigints of which there are two only, `0 | 1` say: their sum would be none of them. */
type IsLiteral<N extends number | bigint> = {} extends Readonly<Record<`${N}`, 1>> ? false : true

type FieldOf<T, Wanted> = T extends readonly unknown[]
  ? never
  : { [F in keyof T & string]-?: [T[F]] extends [Wanted] ? F : never }[keyof T & string]

/** The fields of a record that can be summed: always there, all numbers or all bigints. */
export type SummableField<T> = {
  [F in FieldOf<T, number> | FieldOf<T, bigint>]: T[F] extends number | bigint
    ? IsLiteral<T[F]> extends true
      ? never
      : F
    : never
}[FieldOf<T, number> | FieldOf<T, bigint>]

/** The fields of a record that can be compared: always there, all numbers, all bigints or all strings. */
export type ComparableField<T> = FieldOf<T, number> | FieldOf<T, bigint> | FieldOf<T, string>

/** Options of `minBy` and `maxBy`. */
export interface ExtremeOptions {
  /** Of records that are equal in the field, the first one is kept; false: the last one. Default true. */
  readonly first?: boolean
}

export const EXTREME: OptionNames<ExtremeOptions> = { first: true }

export type FieldAggregateKind = 'sum' | 'min' | 'max' | 'minBy' | 'maxBy'

/**
 * What records have come to with one more of them, `soFar` undefined before the first. Pure: the same object where nothing
 * has changed, else a new one.
 */
export type FieldAggregate = (soFar: unknown, record: unknown) => unknown

/**
 * The aggregates over one field of records (semantics 1.1), each as Flink has it: `sum`, `min` and `max` keep the first
 * record and replace the field in it, `minBy` and `maxBy` keep the record that has the lowest or highest.
 *
 * A field that is missing, NaN, or of another type than before fails with `MR_AGGREGATE_INVALID`.
 */
export function fieldAggregate(
  kind: FieldAggregateKind,
  field: string,
  options: ExtremeOptions = {},
): FieldAggregate {
  checkField(kind, field)
  switch (kind) {
    case 'sum':
      return summed(field)
    case 'min':
      return replaced(field, (order) => order > 0)
    case 'max':
      return replaced(field, (order) => order < 0)
    case 'minBy':
      return extreme(field, 1, checkFirst(kind, options))
    case 'maxBy':
      return extreme(field, -1, checkFirst(kind, options))
  }
}

type Fields = Readonly<Record<string, unknown>>

function summed(field: string): FieldAggregate {
  const what = nameOf(field)
  return (soFar, record) => {
    const value = checkNumeric(valueOf(record, field), what)
    if (soFar === undefined) return record
    const before = (soFar as Fields)[field] as number | bigint
    return { ...(soFar as Fields), [field]: addNumeric(before, value, what) }
  }
}

/** `isPassed` says whether the field of the record takes the place of the one so far, by the order of the two. */
function replaced(field: string, isPassed: (order: number) => boolean): FieldAggregate {
  const what = nameOf(field)
  return (soFar, record) => {
    const value = checkOrdered(valueOf(record, field), what)
    if (soFar === undefined) return record
    const order = compareOrdered((soFar as Fields)[field] as Ordered, value, what)
    return isPassed(order) ? { ...(soFar as Fields), [field]: value } : soFar
  }
}

function extreme(field: string, sign: 1 | -1, first: boolean): FieldAggregate {
  const what = nameOf(field)
  return (soFar, record) => {
    const value = checkOrdered(valueOf(record, field), what)
    if (soFar === undefined) return record
    const order = sign * compareOrdered((soFar as Fields)[field] as Ordered, value, what)
    return order > 0 || (order === 0 && !first) ? record : soFar
  }
}

function nameOf(field: string): string {
  return `the field ${JSON.stringify(field)} of the record`
}

/** Of an array there is no copy with one field replaced. */
function valueOf(record: unknown, field: string): unknown {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return undefined
  return Object.hasOwn(record, field) ? (record as Fields)[field] : undefined
}

function checkField(kind: FieldAggregateKind, field: unknown): void {
  if (typeof field === 'string') return
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${kind}() was given ${givenText(field)} (${typeof field}) as the name of a field; there is nothing to aggregate; give the name of a field of the records.`,
    { kind },
  )
}

function checkFirst(kind: FieldAggregateKind, { first = true }: ExtremeOptions): boolean {
  if (typeof first === 'boolean') return first
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${kind}() has an option first that is ${givenText(first)} (${typeof first}); it does not say which of equal records is kept; give true or false.`,
    { kind },
  )
}
