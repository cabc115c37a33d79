/** The loop's side of the Nexmark benchmark, in a process of its own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerRuns } from './child.ts'
import type { Iteration, Setting, Wanted } from './contender.ts'
import { hashLoop, loopLines } from './loop-run.ts'
import type { NexmarkEvent } from './model.ts'
import { eventsOf } from './replay.ts'

let pool: readonly NexmarkEvent[] | undefined

await answerRuns(({ query, events }: Setting, { rounds, rows }: Wanted): Iteration => {
  pool ??= eventsOf({ events }, 0, 1)
  if (rows !== undefined) {
    const lines = loopLines(query, pool, rounds)
    writeFileSync(join(rows, 'loop.csv'), [...lines, ''].join('\n'))
    return { seconds: 0, secondsToDrained: 0, cpuSeconds: 0, rows: lines.length, checkpoints: 0 }
  }
  // As the other one does before each run.
  globalThis.gc?.()
  const cpuBefore = process.cpuUsage()
  const begun = performance.now()
  const tally = hashLoop(query, pool, rounds)
  const seconds = (performance.now() - begun) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpuSeconds = (user + system) / 1e6
  return { seconds, secondsToDrained: seconds, cpuSeconds, ...tally, checkpoints: 0 }
})
