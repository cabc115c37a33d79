/** Runs the job of the checkpoints benchmark: its events that matter, as JSON lines on stdout. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runJob } from 'millrace'

const [folder, keys, changed, rate, memory, interval] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
]

/** Bytes that all threads of the process have had written, working copies included; 0 where nobody knows. */
function bytesWritten(): number {
  try {
    return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

await runJob(new URL('checkpoints-job.ts', import.meta.url), {
  parallelism: 1,
  memory,
  dir: join(folder, 'state'),
  checkpointInterval: interval,
  checkpointMinPause: 1,
  progressInterval: 200,
  params: { keys: Number(keys), changed: Number(changed), rate: Number(rate) },
  onEvent: (event) => {
    const { type } = event
    if (type === 'progress') {
      const { recordsRead, loadedShare } = event
      const rss = process.memoryUsage.rss()
      console.log(JSON.stringify({ type, recordsRead, loadedShare, rss }))
    } else if (type === 'checkpoint') {
      const { durationMs, bytes } = event
      const end = performance.timeOrigin + performance.now()
      console.log(JSON.stringify({ type, durationMs, bytes, end, written: bytesWritten() }))
    } else if (type === 'log') console.log(JSON.stringify({ type, gaps: JSON.parse(event.line) }))
    else console.log(JSON.stringify({ type }))
  },
})
