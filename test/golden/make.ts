import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startJob } from '../../runtime/job/run-job.ts'

/*
 * Makes a savepoint of the version that is checked out: `npm run golden -- NAME`, of the job with long lists
 * `npm run golden -- NAME lists`. One for each version of a format; those
 * that are there stay as they are, since every later version has to read them.
 */

const [name, kind = 'job'] = process.argv.slice(2)
if (name === undefined) throw new Error('give it a name, such as manifest-2')
const folder = kind === 'job' ? 'savepoints' : `savepoints-of-${kind}`
const path = resolve(import.meta.dirname, folder, name)
const dir = await mkdtemp(join(tmpdir(), 'millrace-golden-'))
// It stands in the manifest.
process.chdir('/')
const going = Promise.withResolvers<void>()
let checkpoints = 0
const running = startJob(new URL(`./${kind}.ts`, import.meta.url), {
  dir,
  parallelism: 2,
  checkpointInterval: 150,
  params: { rate: 500 },
  onEvent: ({ type }) => {
    if (type === 'checkpoint' && ++checkpoints === 4) going.resolve()
  },
})
await going.promise
await running.savepoint(path)
await running.stop()
await rm(dir, { recursive: true })
console.log(path)
