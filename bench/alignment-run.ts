/** One run of the alignment benchmark, in a process of its own: prints how long each checkpoint took, and the rate. */
import { join } from 'node:path'
import { runJob } from 'millrace'

const [folder, micros, checkpoints, parallelism] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
]
const controller = new AbortController()
const durations: number[] = []
let first: { readonly read: number; readonly at: number } | undefined
let last = first

await runJob(new URL('alignment-job.ts', import.meta.url), {
  parallelism: Number(parallelism),
  dir: join(folder, 'state'),
  checkpointInterval: '500ms',
  checkpointMinPause: 1,
  stopTimeout: '1m',
  params: { micros: Number(micros) },
  signal: controller.signal,
  onEvent: (event) => {
    if (event.type === 'progress') {
      last = { read: event.recordsRead, at: performance.now() }
      if (durations.length > 0) first ??= last
    }
    if (event.type !== 'checkpoint') return
    durations.push(event.durationMs)
    if (durations.length === Number(checkpoints)) controller.abort()
  },
})
const perSecond = ((last!.read - first!.read) / (last!.at - first!.at)) * 1_000
console.log(JSON.stringify({ durations, perSecond }))
