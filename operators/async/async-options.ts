import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { retryDelay, type RetryDelay } from './retry-delay.ts'

/** When an asynchronous function is called again for a record. */
export interface AsyncRetry<A> {
  /** How many calls may follow the first one, as in Flink: 2 means up to three calls. */
  readonly maxAttempts: number
  /** Between the end of a call and the next one: always the same, or growing. */
  readonly delay: Duration | RetryDelay
  /** Whether a call that threw or rejected is repeated. Default: always. */
  readonly retryOnError?: (error: unknown) => boolean
  /** Whether an answer is not good enough, and the call is repeated; the last answer is emitted anyway. Default: never. */
  readonly retryOnResult?: (answer: A) => boolean
}

/** Options of an asynchronous function besides those of all that has state; `A` is what it answers with. */
export interface AsyncOptions<A> {
  /**
   * Records and watermarks that one subtask holds at most, being called for or waiting to be emitted; while there are so many it
   * takes no input. All of them go into every checkpoint. Default 100.
   */
  readonly capacity?: number
  /** From the first call for a record to its result, retries and the time between them included. Default 60 s. */
  readonly timeout?: Duration
  /** Default: none, a call that fails fails the job. */
  readonly retry?: AsyncRetry<A>
}

/** Options of `asyncMap`. */
export interface AsyncMapOptions<A> extends AsyncOptions<A> {
  /** Whether results come in the order of the records, as from `orderedWait`, or as from `unorderedWait`. Default true. */
  readonly ordered?: boolean
}

export const ASYNC: OptionNames<AsyncOptions<unknown>> = {
  capacity: true,
  timeout: true,
  retry: true,
}

export const ASYNC_MAP: OptionNames<AsyncMapOptions<unknown>> = { ...ASYNC, ordered: true }

const RETRY: OptionNames<AsyncRetry<unknown>> = {
  maxAttempts: true,
  delay: true,
  retryOnError: true,
  retryOnResult: true,
}

/** Options as the operator needs them. */
export interface AsyncSettings {
  readonly capacity: number
  readonly timeoutMs: number
  readonly retry: RetrySettings | undefined
}

export interface RetrySettings {
  readonly maxAttempts: number
  /** After so many calls, from 1. */
  readonly delayMs: (calls: number) => number
  readonly retryOnError: (error: unknown) => boolean
  readonly retryOnResult: (answer: unknown) => boolean
}

const DEFAULT_CAPACITY = 100
const DEFAULT_TIMEOUT = '60s'

/** Fills in defaults; fails with `MR_OPTION_INVALID` or `MR_DURATION_INVALID` for what cannot work. */
export function asyncSettings(
  options: AsyncOptions<never> & { readonly uid?: string | undefined },
  method: string,
): AsyncSettings {
  const { uid, capacity = DEFAULT_CAPACITY, timeout = DEFAULT_TIMEOUT, retry } = options
  const where = `${method}(${givenText(uid)})`
  const timeoutMs = parseDuration(timeout, `The timeout of ${where}`)
  check(timeoutMs > 0, where, `the timeout ${givenText(timeout)}`, TIMEOUT)
  check(isCount(capacity), where, `the capacity ${givenText(capacity)}`, CAPACITY)
  return {
    capacity,
    timeoutMs,
    retry: retry === undefined ? undefined : retrySettings(retry, where),
  }
}

const TIMEOUT = 'no call could answer in time; set more than 0'
const CAPACITY = 'there would be no room for a record; set a whole number from 1'
const ATTEMPTS =
  'it does not say how often a call is repeated; set a whole number from 1, or leave retry out'
const PREDICATE = 'it cannot say whether to call again; give a function that returns a boolean'

function retrySettings(retry: AsyncRetry<never>, where: string): RetrySettings {
  checkOptionNames(retry, RETRY, `retry of ${where}`)
  const { maxAttempts, delay, retryOnError, retryOnResult } = retry
  check(isCount(maxAttempts), where, `retry.maxAttempts ${givenText(maxAttempts)}`, ATTEMPTS)
  for (const [name, predicate] of Object.entries({ retryOnError, retryOnResult })) {
    const isFine = predicate === undefined || typeof predicate === 'function'
    check(isFine, where, `retry.${name} ${givenText(predicate)}`, PREDICATE)
  }
  return {
    maxAttempts,
    delayMs: retryDelay(delay, where),
    retryOnError: retryOnError ?? (() => true),
    retryOnResult: (retryOnResult as ((answer: unknown) => boolean) | undefined) ?? (() => false),
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function check(isFine: boolean, where: string, what: string, end: string): void {
  if (isFine) return
  throw new StreamError('MR_OPTION_INVALID', `${where} has ${what}; ${end}.`, { option: what })
}
