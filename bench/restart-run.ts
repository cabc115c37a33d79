/** The job of the restart benchmark: progress 20 times a second, as JSON lines on stdout. */
import { join } from 'node:path'
import { runJob } from 'millrace'

const [input, folder, parallelism] = process.argv.slice(2) as [string, string, string]

await runJob(new URL('../examples/fraud-detection.ts', import.meta.url), {
  parallelism: Number(parallelism),
  dir: join(folder, 'state'),
  checkpointInterval: '500ms',
  progressInterval: 50,
  params: { input, out: join(folder, 'out'), rate: 100_000 },
  onEvent: (event) => {
    const recordsRead = event.type === 'progress' ? event.recordsRead : undefined
    console.log(JSON.stringify({ type: event.type, recordsRead }))
  },
})
