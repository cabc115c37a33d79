import { setTimeout } from 'node:timers/promises'
import type { GuardedProcess } from './guarded-process.ts'

const LIMIT_MS = 60_000

/** Resolves when something answers at the address, whatever it says; fails when the process has ended, or after a minute. */
export async function untilAnswers(url: string, process: GuardedProcess): Promise<void> {
  for (const end = Date.now() + LIMIT_MS; ; await setTimeout(50)) {
    try {
      const response = await fetch(url)
      await response.arrayBuffer()
      return
    } catch (error) {
      const { exitCode } = process
      const ended = exitCode === undefined ? undefined : `ended with ${exitCode}`
      if (ended === undefined && Date.now() <= end) continue
      const what = ended ?? `does not answer at ${url}`
      throw new Error(`${what}: ${process.endOfLog()}`, { cause: error })
    }
  }
}
