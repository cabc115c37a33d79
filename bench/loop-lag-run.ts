/**
 * One run of the loop-lag benchmark, in a process of its own: prints the worst of what the threads told last.
 *
 * `node -C @millrace/source bench/loop-lag-run.ts INPUT FOLDER PARALLELISM`
 */
import { join } from 'node:path'
import { runJob } from 'millrace'
import type { LoopLag } from './loop-lag.ts'

const [input, folder, parallelism] = process.argv.slice(2) as [string, string, string]
const told: LoopLag[] = []

await runJob(new URL('./loop-lag-job.ts', import.meta.url), {
  parallelism: Number(parallelism),
  dir: join(folder, 'state'),
  checkpointInterval: '1s',
  params: { input, out: join(folder, 'out') },
  onEvent: (event) => {
    if (event.type === 'log' && event.line.startsWith('{')) {
      told.push(JSON.parse(event.line) as LoopLag)
    }
  },
})
const last = told.slice(-Number(parallelism))
const worst = (of: (lag: LoopLag) => number): number => Math.max(...last.map(of))
console.log(
  JSON.stringify({
    p50: worst((lag) => lag.p50),
    p99: worst((lag) => lag.p99),
    max: worst((lag) => lag.max),
  }),
)
