import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { inFolder } from '../temporary-folder.ts'
import { PARTITIONS } from './input.ts'
import { sinceStart } from '../started.ts'

/* The same with bare kafkajs: a thread a partition, each with a consumer and a producer. Arguments as `engine-run.ts`, and `records`. */
const [brokers, input, output, mode, records] = process.argv.slice(2)
await inFolder(async (folder) => {
  const stamps = join(folder, 'stamps')
  const threads = Array.from({ length: PARTITIONS }, (_, partition) => {
    const workerData = {
      brokers,
      input,
      output,
      mode,
      partition,
      stamps,
      records: Number(records) / PARTITIONS,
    }
    const worker = new Worker(fileURLToPath(new URL('bare-thread.ts', import.meta.url)), {
      workerData,
    })
    return new Promise<void>((resolve, reject) => {
      worker.on('message', () => resolve())
      worker.on('error', reject)
    })
  })
  await Promise.all(threads)
  console.log(JSON.stringify(sinceStart(stamps)))
})
process.exit(0)
