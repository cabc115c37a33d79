import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'

/** A delay that grows from one retry of a record to the next. */
export interface RetryDelay {
  /** Before the first retry. */
  readonly initial: Duration
  /** It does not grow beyond this. */
  readonly max: Duration
  /** From one delay to the next, 1 or more. */
  readonly multiplier: number
}

const DELAY: OptionNames<RetryDelay> = { initial: true, max: true, multiplier: true }

/**
 * The delay after so many calls for one record, from 1, in ms: `min(initial × multiplier^(calls − 1), max)`.
 *
 * Each record counts for itself. Fails with `MR_OPTION_INVALID` or `MR_DURATION_INVALID`; `where` begins the message.
 */
export function retryDelay(delay: Duration | RetryDelay, where: string): (calls: number) => number {
  if (typeof delay !== 'object' || delay === null) {
    const delayMs = parseDuration(delay, `The retry.delay of ${where}`)
    return () => delayMs
  }
  checkOptionNames(delay, DELAY, `retry.delay of ${where}`)
  const { multiplier } = delay
  const initialMs = parseDuration(delay.initial, `The retry.delay.initial of ${where}`)
  const maxMs = parseDuration(delay.max, `The retry.delay.max of ${where}`)
  if (!(multiplier >= 1 && multiplier < Infinity)) {
    throw invalid(where, `multiplier ${givenText(multiplier)}`, 'set a number from 1')
  }
  if (maxMs < initialMs) {
    throw invalid(where, `max below its initial`, 'set max to initial or more')
  }
  return (calls) => Math.min(initialMs * multiplier ** (calls - 1), maxMs)
}

function invalid(where: string, what: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_OPTION_INVALID',
    `${where} has a retry.delay with ${what}; the delay would shrink from one retry to the next; ${wayOut}.`,
  )
}
