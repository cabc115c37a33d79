import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runJob } from 'millrace'
import { inFolder } from '../temporary-folder.ts'
import { sinceStart } from '../started.ts'

/* Runs the job once and prints its figures: `engine-run.ts <brokers> <input> <output> <mode>`. */
const [brokers, input, output, mode] = process.argv.slice(2) as [string, string, string, string]
await inFolder(async (folder) => {
  const stamps = join(folder, 'stamps')
  await runJob(fileURLToPath(new URL('engine-job.ts', import.meta.url)), {
    params: { brokers, input, output, mode, stamps },
    parallelism: 2,
    dir: join(folder, 'state'),
    checkpointInterval: '1s',
    print: () => {},
  })
  console.log(JSON.stringify(sinceStart(stamps)))
})
