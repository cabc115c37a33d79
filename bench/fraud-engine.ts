/**
 * The engine's side of the fraud benchmark, in a process of its own.
 *
 * `node -C @millrace/source bench/fraud-engine.ts INPUT FOLDER PARALLELISM`: the example job with LevelDB state and a
 * checkpoint every second. Prints one line of JSON; wall and CPU count from the first record to the last commit.
 */
import { join } from 'node:path'
import { runJob } from 'millrace'

const [input, folder, parallelism] = process.argv.slice(2) as [string, string, string]
let startedAt = 0
let cpuBefore = process.cpuUsage()
let bytes = 0

const result = await runJob(new URL('../examples/fraud-detection.ts', import.meta.url), {
  parallelism: Number(parallelism),
  dir: join(folder, 'state'),
  checkpointInterval: '1s',
  params: { input, out: join(folder, 'out') },
  fresh: true,
  onEvent: (event) => {
    // Sources read from here on.
    if (event.type === 'running') {
      startedAt = performance.now()
      cpuBefore = process.cpuUsage()
    }
    if (event.type === 'checkpoint') bytes += event.bytes
  },
})
const cpu = process.cpuUsage(cpuBefore)
console.log(
  JSON.stringify({
    rows: result.metrics.recordsRead,
    alerts: result.metrics.recordsWritten,
    wallSeconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakMb: Math.round(process.resourceUsage().maxRSS / 1_024),
    checkpoints: result.metrics.checkpoints,
    checkpointBytes: bytes,
  }),
)
