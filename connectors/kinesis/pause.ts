import { type Clock, pause as pauseFor } from '../../runtime/clock.ts'

/** Waits so long, or until the signal; not at all where there is nothing to wait for. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return Promise.resolve()
  return pauseFor(clock, delayMs, signal)
}
