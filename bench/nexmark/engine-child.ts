/** The engine's side of the Nexmark benchmark, in a process of its own. */
import { join } from 'node:path'
import { runJob } from 'millrace'
import { inFolder } from '../temporary-folder.ts'
import { answerRuns } from './child.ts'
import type { Iteration, Setting, Wanted } from './contender.ts'
import { cpuSecondsOf, type Report } from './report.ts'

/** Longer than any run. */
const NEVER = '365d'

await answerRuns((setting, wanted) => inFolder((folder) => runQuery(setting, wanted, folder)))

async function runQuery(setting: Setting, wanted: Wanted, folder: string): Promise<Iteration> {
  const { query, events, group, parallelism, memory, checkpointMs } = setting
  const reports: Report[] = []
  const { metrics } = await runJob(new URL('job.ts', import.meta.url), {
    parallelism,
    memory,
    dir: join(folder, 'state'),
    checkpointInterval: checkpointMs === 0 ? NEVER : checkpointMs,
    progressInterval: 0,
    params: { query, events, group, rounds: wanted.rounds, rows: wanted.rows ?? '' },
    onEvent: (event) => {
      if (event.type === 'log') reports.push(JSON.parse(event.line) as Report)
    },
  })
  const first = reports.filter(({ type }) => type === 'first')
  const closed = reports.filter(({ type }) => type === 'closed')
  const beginning = Math.min(...first.map(({ at }) => at))
  const end = Math.max(...closed.map(({ at }) => at))
  const drained = Math.max(...reports.filter(({ type }) => type === 'cut').map(({ at }) => at))
  const { rows, hash } = metrics.counters['rows'] ?? {}
  return {
    seconds: (end - beginning) / 1_000,
    secondsToDrained: (drained - beginning) / 1_000,
    cpuSeconds: cpuSecondsOf(reports),
    rows: rows ?? metrics.recordsWritten,
    ...(hash === undefined ? {} : { hash: hash % 2 ** 32 }),
    checkpoints: metrics.checkpoints,
    fromMs: beginning,
    toMs: end,
  }
}
