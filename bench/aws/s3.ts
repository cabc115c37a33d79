import { parseArgs } from 'node:util'
import { TestS3 } from '../../test/servers/aws-for-tests.ts'
import { MotoServer } from '../../test/servers/moto-server.ts'
import { child } from '../fraud.ts'
import { listOf, whole } from '../option-values.ts'
import { READING_BYTES } from './s3-job.ts'

const FORMATS = ['json', 'parquet'] as const
const LIMIT_MB = 300

export const s3Help = `s3 [--rounds 3] [--seconds 30] [--rate 5] [--parallelism 1] [--checkpoint-interval 10s] [--spans] [--formats ${FORMATS.join(',')}]
  So many MB a second (0: 2 GB as fast as it goes) of rows of 1,000 bytes through s3Sink into objects of 32 MiB in four partitions, which go on over checkpoints with --spans, in moto on the
  same machine: MB of rows a second from the start of the sources to the end of the job, and peak resident memory of its process. What is
  in the bucket is counted in bytes. Needs Python. Exit 1 above
  ${LIMIT_MB} MB.`

interface Figures {
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly peakMb: number
}

export async function s3Bench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '30' },
      rate: { type: 'string', default: '5' },
      parallelism: { type: 'string', default: '1' },
      'checkpoint-interval': { type: 'string', default: '10s' },
      spans: { type: 'boolean', default: false },
      formats: { type: 'string', default: FORMATS.join(',') },
    },
  })
  const rate = (Number(values.rate) * 1e6) / READING_BYTES
  const count =
    rate > 0 ? Math.ceil(rate * whole('--seconds', values.seconds)) : 2e9 / READING_BYTES
  const { spans } = values
  const rounds = whole('--rounds', values.rounds)
  const parallelism = String(whole('--parallelism', values.parallelism))
  const server = await MotoServer.start()
  const s3 = new TestS3(server.endpoint)
  try {
    for (const format of listOf('--formats', values.formats, FORMATS)) {
      const results: (Figures & { readonly mbPerSecond: number })[] = []
      for (let round = 1; round <= rounds; round++) {
        const bucket = await s3.createBucket()
        const params = { endpoint: server.endpoint, bucket, count, rate, format, spans }
        const run = [parallelism, values['checkpoint-interval'], JSON.stringify(params)]
        const figures = await child<Figures>('aws/s3-engine.ts', run)
        const mbPerSecond = Number(((count * READING_BYTES) / 1e6 / figures.wallSeconds).toFixed(1))
        results.push({ ...figures, mbPerSecond })
        const stored = await emptied(s3, bucket)
        console.log(
          `${format}, round ${round}: ${mbPerSecond} MB/s (CPU ${figures.cpuSeconds.toFixed(1)} s of ${figures.wallSeconds.toFixed(1)} s), peak ${figures.peakMb} MB; ` +
            `${stored.objects} objects, ${Math.round(stored.bytes / 1e6)} MB`,
        )
        if (figures.peakMb > LIMIT_MB) process.exitCode = 1
      }
      console.log(JSON.stringify({ bench: 's3', format, spans, count, parallelism, results }))
    }
  } finally {
    s3.close()
    await server.stop()
  }
}

/** What was in a bucket; moto has it all in memory. */
async function emptied(s3: TestS3, bucket: string): Promise<{ objects: number; bytes: number }> {
  const store = s3.store(bucket)
  const keys: string[] = []
  let bytes = 0
  for await (const object of store.list('')) {
    keys.push(object.key)
    bytes += object.bytes
  }
  await store.delete(keys)
  return { objects: keys.length, bytes }
}
