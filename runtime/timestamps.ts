import { MIN_TIMESTAMP } from './element.ts'
import { StreamError } from './errors.ts'

/** Below this (March 1973 in ms) a timestamp is probably in seconds (N6). */
const PLAUSIBLE_MS = 100_000_000_000

/**
 * Looks at the timestamps that sources, and functions of the job, give to records (N6).
 *
 * Anything but an integer of milliseconds fails with `MR_TIMESTAMP_INVALID`; -Infinity stands for "none" and passes. The first
 * one below 1e11 is logged as a warning, since it looks like seconds. One object an operator; costs two comparisons.
 */
export class TimestampCheck {
  readonly #warn: (message: string) => void
  #hasWarned = false

  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  check(timestamp: number): void {
    if (Number.isSafeInteger(timestamp)) {
      if (timestamp < PLAUSIBLE_MS && !this.#hasWarned) this.#warnOnce(timestamp)
    } else if (timestamp !== MIN_TIMESTAMP) throw invalidTimestamp(timestamp)
  }

  #warnOnce(timestamp: number): void {
    this.#hasWarned = true
    this.#warn(
      `warning: a record has the timestamp ${timestamp}, which is ${new Date(timestamp).toUTCString()}; timestamps are in milliseconds since 1970: multiply by 1000 if these are seconds.`,
    )
  }
}

function invalidTimestamp(timestamp: unknown): StreamError {
  return new StreamError(
    'MR_TIMESTAMP_INVALID',
    `the record was given the timestamp ${describe(timestamp)}, by its source or a timestamp function; it has no place in event time; give milliseconds since the epoch as an integer.`,
    { timestamp: describe(timestamp) },
  )
}

function describe(timestamp: unknown): string {
  if (timestamp instanceof Date) return 'a Date (use its getTime())'
  if (typeof timestamp === 'string') return `"${timestamp}" (string)`
  if (typeof timestamp === 'object') return timestamp === null ? 'null' : 'an object'
  return `${String(timestamp)} (${typeof timestamp})`
}
