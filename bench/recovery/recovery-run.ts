/** A process of the recovery benchmark: what happens in it and when, as JSON lines on stdout. */
import { join } from 'node:path'
import { monotonicMs } from '../monotonic.ts'
import { endFile, type RecoverySetting } from './child.ts'

const tell = (line: object): void => console.log(JSON.stringify({ at: monotonicMs(), ...line }))
tell({ type: 'up' })
// Loading the engine is part of what is measured behind this line.
const { runJob } = await import('millrace')
const {
  folder,
  parallelism,
  memory,
  checkpointMs,
  nodeArgs: _,
  ...params
} = JSON.parse(process.argv[2]!) as RecoverySetting
await runJob(new URL('recovery-job.ts', import.meta.url), {
  parallelism,
  memory,
  dir: join(folder, 'state'),
  checkpointInterval: checkpointMs,
  progressInterval: 200,
  params: { ...params, out: join(folder, 'out'), end: endFile(folder) },
  onEvent: (event) => {
    const { type } = event
    if (type === 'log') {
      if (event.line.startsWith('{')) console.log(event.line)
    } else if (type === 'progress') {
      tell({ type, recordsRead: event.recordsRead, loadedShare: event.loadedShare })
    } else tell({ type })
  },
})
