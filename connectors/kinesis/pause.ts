import type { Cancel, Clock } from '../../runtime/clock.ts'

/** Waits so long, or until the signal; not at all where there is nothing to wait for. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    let cancel: Cancel | undefined
    const over = (): void => {
      cancel?.()
      signal.removeEventListener('abort', over)
      resolve()
    }
    cancel = clock.schedule(delayMs, over)
    signal.addEventListener('abort', over)
  })
}
