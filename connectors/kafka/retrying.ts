import { type Clock, delay } from '../../runtime/clock.ts'
import { type Attempted, kafkaError, mayPass, unavailable } from './kafka-errors.ts'

const FIRST_DELAY_MS = 50
const MAX_DELAY_MS = 1_000

/** How to try again. */
export interface Retries {
  readonly clock: Clock
  /** Trying ends with `MR_KAFKA_UNAVAILABLE` after so long. */
  readonly timeoutMs: number
  /** True once nobody waits any more: the next failure ends trying. */
  readonly isClosed: () => boolean
}

/** The delay before the n-th try again, from 1. */
export function retryDelay(n: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (n - 1))
}

/** Runs an operation until it succeeds, fails for good, or the time is over; the last error becomes one of ours. */
export async function retrying<R>(
  retries: Retries,
  tried: Attempted,
  operation: () => Promise<R>,
): Promise<R> {
  const { clock, timeoutMs, isClosed } = retries
  const begin = clock.elapsed()
  for (let n = 1; ; n++) {
    try {
      return await operation()
    } catch (error) {
      if (!mayPass(error) || isClosed()) throw kafkaError(tried, error)
      const spent = clock.elapsed() - begin
      if (spent >= timeoutMs) throw unavailable(tried, spent, error)
      await delay(clock, retryDelay(n))
    }
  }
}
