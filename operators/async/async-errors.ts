import { RestartableError, StreamError, thrownText } from '../../runtime/errors.ts'
import type { AsyncEntry } from './async-entry.ts'

/** Nothing has settled a record in time. Restartable: what is slow today may be quick tomorrow. */
export function timedOut(timeoutMs: number, entry: AsyncEntry): StreamError {
  const calls = entry.call!.callNumber
  const made = calls === 1 ? '1 call' : `${calls} calls`
  return new RestartableError(
    'MR_ASYNC_TIMEOUT',
    `the asynchronous function has not answered within ${timeoutMs} ms, after ${made}; the record has no result, and what is behind it waits; raise the timeout, retry what fails for a while, or give the function a timeout method that says what to emit instead.`,
  )
}

/**
 * What a call threw or rejected with, as the failure of the job. What is coded is left as it is; anything else is left to the
 * restart strategy (R38), as what lies behind a slow call may be back soon.
 */
export function callFailed(what: string, thrown: unknown): StreamError {
  if (thrown instanceof StreamError) return thrown
  return new RestartableError(
    'MR_FUNCTION_FAILED',
    `${what} ${thrownText(thrown)}; the record has no result; mend the function, catch in it what is to be expected, or set retry.`,
    {},
    thrown,
  )
}

/** An answer that cannot be spread into records: a mistake, which comes again (R38). */
export function noArray(what: string, answer: unknown): StreamError {
  const given = answer === null ? 'null' : `something of type ${typeof answer}`
  return new StreamError(
    'MR_FUNCTION_FAILED',
    `${what} answered with ${given}; it cannot be spread into records; answer with an array, or use asyncMap for exactly one record.`,
  )
}
