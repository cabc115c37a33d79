import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runJob } from 'millrace'
import { inFolder } from '../temporary-folder.ts'

/* Writes so many rows: `s3-engine.ts <parallelism> <checkpoint interval> <parameters as JSON>`. */
const [parallelism, checkpointInterval, params] = process.argv.slice(2) as [string, string, string]
await inFolder(async (folder) => {
  let startedAt = 0
  let cpuBefore = process.cpuUsage()
  await runJob(fileURLToPath(new URL('s3-job.ts', import.meta.url)), {
    params: JSON.parse(params) as Record<string, string | number | boolean>,
    parallelism: Number(parallelism),
    dir: join(folder, 'state'),
    checkpointInterval,
    onEvent: ({ type }) => {
      if (type !== 'running') return
      startedAt = performance.now()
      cpuBefore = process.cpuUsage()
    },
  })
  const cpu = process.cpuUsage(cpuBefore)
  console.log(
    JSON.stringify({
      wallSeconds: (performance.now() - startedAt) / 1_000,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      peakMb: Math.round(process.resourceUsage().maxRSS / 1_024),
    }),
  )
})
