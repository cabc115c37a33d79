/** One run of the latency benchmark on the engine: a line of JSON. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runJob } from 'millrace'
import { cpuSecondsOf, type Report } from '../nexmark/report.ts'
import { inFolder } from '../temporary-folder.ts'
import type { Latencies, LatencySetting } from './contenders.ts'
import { type HistogramData, LatencyHistogram } from './histogram.ts'

/** Longer than any run. */
const NEVER = '365d'

await inFolder(async (folder) => {
  const setting = JSON.parse(process.argv[2]!) as LatencySetting
  const { rate, seconds, warmupSeconds, events, parallelism } = setting
  const { state, checkpointMs, bufferTimeoutMs, memory } = setting
  const reports: Report[] = []
  const { metrics } = await runJob(new URL('latency-job.ts', import.meta.url), {
    parallelism,
    memory,
    dir: join(folder, 'state'),
    checkpointInterval: checkpointMs === 0 ? NEVER : checkpointMs,
    bufferTimeout: bufferTimeoutMs,
    progressInterval: 0,
    params: { events, rate, seconds, warmupSeconds, out: folder },
    onEvent: (event) => {
      if (event.type === 'log' && event.line.startsWith('{'))
        reports.push(JSON.parse(event.line) as Report)
    },
  })
  const histogram = new LatencyHistogram()
  for (const name of readdirSync(folder).filter((one) => one.startsWith('latencies-'))) {
    histogram.merge(JSON.parse(readFileSync(join(folder, name), 'utf8')) as HistogramData)
  }
  const percentileMs = (percent: number): number => ms(histogram.percentile(percent))
  const told: Latencies = {
    engine: 'millrace',
    mode: 'latency',
    rate,
    seconds,
    parallelism,
    state,
    checkpointMs,
    bufferTimeoutMs,
    records: histogram.size,
    p50Ms: percentileMs(50),
    p99Ms: percentileMs(99),
    p999Ms: percentileMs(99.9),
    maxMs: ms(histogram.max),
    cpuSeconds: Math.round(cpuSecondsOf(reports) * 100) / 100,
    checkpoints: metrics.checkpoints,
  }
  console.log(JSON.stringify(told))
})

function ms(micros: number): number {
  return Math.round(micros / 10) / 100
}
