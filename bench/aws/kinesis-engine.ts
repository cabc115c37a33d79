import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runJob } from 'millrace'
import { sinceStart } from '../started.ts'
import { inFolder } from '../temporary-folder.ts'

/* Reads the stream with the engine, in one subtask: `kinesis-engine.ts <endpoint>`. */
const [endpoint] = process.argv.slice(2) as [string]
await inFolder(async (folder) => {
  const stamps = join(folder, 'stamps')
  const { metrics } = await runJob(fileURLToPath(new URL('kinesis-job.ts', import.meta.url)), {
    params: { endpoint, out: join(folder, 'out'), stamps },
    parallelism: 1,
    dir: join(folder, 'state'),
    checkpointInterval: '1s',
  })
  console.log(JSON.stringify({ records: metrics.recordsRead, ...sinceStart(stamps) }))
})
