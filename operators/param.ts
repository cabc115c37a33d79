import { type Duration, parseDuration } from '../runtime/duration.ts'
import { StreamError } from '../runtime/errors.ts'
import type { PlanParameter } from '../runtime/graph/job-plan.ts'

/** The declaration of a job's parameter; made by `param`. */
export interface Param<T> {
  readonly type: PlanParameter['type']
  /** Undefined where the parameter must be given. */
  readonly defaultValue: T | undefined
  /** As the user would write it. */
  readonly defaultText: string | undefined
  readonly description: string
  /** The value of what was given (text, or a value of the right type); undefined if it cannot be one. */
  readonly convert: (given: unknown) => T | undefined
}

/** The parameters of a job by name. */
export type ParamDeclarations = Readonly<Record<string, Param<unknown>>>

/** The values that declarations give. */
export type ParamValues<P extends ParamDeclarations> = {
  readonly [Name in keyof P]: P[Name] extends Param<infer T> ? T : never
}

/** Declares parameters by type. Without a default (or with undefined) the parameter must be given. */
export interface ParamFactory {
  /**
   * Any text, the empty one included.
   *
   * @example
   * param.string('out', 'Where the results go')
   */
  string(defaultValue?: string, description?: string): Param<string>
  /** A finite number, written as in JavaScript. */
  number(defaultValue?: number, description?: string): Param<number>
  /** `true` or `false`. */
  boolean(defaultValue?: boolean, description?: string): Param<boolean>
  /** A span of time in ms: a number, or text such as `'10s'` (N4). */
  duration(defaultValue?: Duration, description?: string): Param<number>
  /** A text that is never printed or stored, such as a password; it has to be given again at every start. */
  secret(defaultValue?: string, description?: string): Param<string>
}

/** Declares a job's parameters: `params: { rate: param.number(0, 'Rows per second') }`. */
export const param: ParamFactory = {
  string: (defaultValue, description = '') => ({
    type: 'string',
    defaultValue,
    defaultText: defaultValue,
    description,
    convert: toText,
  }),
  number: (defaultValue, description = '') => ({
    type: 'number',
    defaultValue,
    defaultText: textOf(defaultValue),
    description,
    convert: toNumber,
  }),
  boolean: (defaultValue, description = '') => ({
    type: 'boolean',
    defaultValue,
    defaultText: textOf(defaultValue),
    description,
    convert: toBoolean,
  }),
  duration: (defaultValue, description = '') => ({
    type: 'duration',
    defaultValue: defaultValue === undefined ? undefined : parseDuration(defaultValue, 'A default'),
    defaultText: typeof defaultValue === 'number' ? `${defaultValue}ms` : defaultValue,
    description,
    convert: toDurationMs,
  }),
  secret: (defaultValue, description = '') => ({
    type: 'secret',
    defaultValue,
    defaultText: undefined,
    description,
    convert: toText,
  }),
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value)
}

function toText(given: unknown): string | undefined {
  return typeof given === 'string' ? given : undefined
}

function toNumber(given: unknown): number | undefined {
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

function toBoolean(given: unknown): boolean | undefined {
  if (typeof given === 'boolean') return given
  return given === 'true' ? true : given === 'false' ? false : undefined
}

/** Text without a unit is a number of milliseconds, as on the command line everything is text. */
function toDurationMs(given: unknown): number | undefined {
  if (typeof given !== 'string' && typeof given !== 'number') return undefined
  const isBare = typeof given === 'string' && /^\d+$/.test(given)
  try {
    return parseDuration(isBare ? Number(given) : given, 'A parameter')
  } catch (error) {
    if (error instanceof StreamError) return undefined
    throw error
  }
}
