import { parseArgs } from 'node:util'
import { MinioServer } from '../../servers/minio-server.ts'
import { MotoServer } from '../../servers/moto-server.ts'
import { lakeCampaign } from './campaign.ts'
import { stateCampaign } from './state-campaign.ts'

const usage = `npm run crash:s3 -- [--state] [--kills N] [--seed S] [--s3 moto|minio]

Counts the records of each key into objects of S3, as JSON, Parquet and Avro, exactly once, in processes that are killed with SIGKILL at
random moments, while one request of twelve fails, is throttled, or loses its answer. After each kill it looks that nothing is visible
that no published checkpoint has; lets each job end, and compares by DuckDB what is in the bucket with the input: each record once, in its
partition, and no upload left open.

With --state, jobs that have their checkpoints and savepoints in S3 under the same faults, and write to a folder: each start is on a machine
that has nothing of them.

  --kills N  kills of the job (default 200)
  --state    of jobs with their state in S3
  --seed S   seed of the campaign (default: drawn, and printed)
  --s3 NAME  what stands in for S3: moto, or minio, which needs Go and ten minutes the first time, and lists uploads by whole keys
             only, so those whose beginning got no answer stay open and are not looked for (default moto)

Needs Python. Exit 1 when something differs.`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string' },
    state: { type: 'boolean', default: false },
    s3: { type: 'string', default: 'moto' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help || !['moto', 'minio'].includes(values.s3)) {
  console.log(usage)
  process.exitCode = values.help ? 0 : 2
} else {
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  console.log(`Seed ${seed}`)
  const moto = await MotoServer.start()
  const minio = values.s3 === 'minio' ? await MinioServer.start() : undefined
  try {
    const options = {
      endpoint: moto.endpoint,
      ...(minio && { endpoint: minio.endpoint, listsUploads: false, glue: moto.endpoint }),
      kills: Number(values.kills),
      seed,
      tell: (line: string) => console.log(line),
    }
    const { kills, faults, cases, failure } = values.state
      ? await stateCampaign({ ...options, rows: 10_000 })
      : await lakeCampaign(options)
    console.log(`${kills} kills of the job and ${faults} faults of requests in ${cases} cases.`)
    console.log(failure ?? 'No record lost, none doubled, none seen too early.')
    process.exitCode = failure === undefined ? 0 : 1
  } finally {
    await Promise.all([moto.stop(), minio?.stop()])
  }
}
