import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Does work that Ctrl-C (or SIGTERM, or the end of the terminal) ends in good order: its signal is aborted, and it is waited for,
 * so that it can clean up. Resolves with the exit code: that of the work, or the one for the signal. A second Ctrl-C waits for
 * nothing.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const controller = new AbortController()
  let code = 0
  const stop = (name: NodeJS.Signals): void => {
    code = 128 + constants.signals[name]
    console.error(`${name}: ending what was started …`)
    controller.abort()
    forget()
  }
  const forget = (): void => {
    for (const name of SIGNALS) process.off(name, stop)
  }
  for (const name of SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    return code
  } finally {
    forget()
  }
}
