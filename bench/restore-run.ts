/** The job of the restore benchmark: progress five times a second, as JSON lines on stdout. */
import { join } from 'node:path'
import { runJob } from 'millrace'

const [folder, keys, parallelism, memory] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
]

await runJob(new URL('restore-job.ts', import.meta.url), {
  parallelism: Number(parallelism),
  memory,
  dir: join(folder, 'state'),
  checkpointInterval: '5s',
  progressInterval: 200,
  params: { keys: Number(keys) },
  onEvent: (event) => {
    const { type } = event
    if (type === 'progress') {
      const { recordsRead, loadedShare } = event
      const rss = process.memoryUsage.rss()
      console.log(JSON.stringify({ type, recordsRead, loadedShare, rss }))
    } else console.log(JSON.stringify({ type }))
  },
})
