import { parseArgs } from 'node:util'
import { interruptible } from './interruptible.ts'

/** What a demo needs is not there. The message says what, and what to do. */
export class CannotRun extends Error {}

/**
 * Runs a demo as a command; resolves with the exit code: 0 when it resolves with true, 1 when with false or when it fails, 2 for an option
 * that there is not, and when it cannot run. Ctrl-C aborts its signal and waits for it.
 */
export async function demoCommand(
  usage: string,
  demo: (signal: AbortSignal) => Promise<boolean>,
): Promise<number> {
  const options = { help: { type: 'boolean', short: 'h', default: false } } as const
  try {
    const { values } = parseArgs({ options })
    if (values.help) {
      console.log(usage)
      return 0
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    return 2
  }
  try {
    return await interruptible(async (signal) => ((await demo(signal)) ? 0 : 1))
  } catch (error) {
    console.error((error as Error).message)
    return error instanceof CannotRun ? 2 : 1
  }
}
