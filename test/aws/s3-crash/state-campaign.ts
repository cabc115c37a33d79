import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { SeededRandom } from '../../../runtime/clock.ts'
import { makeInputs } from '../../crash/inputs.ts'
import { TestS3 } from '../../servers/aws-for-tests.ts'
import {
  type Fault,
  FaultProxy,
  type ProxiedRequest,
  s3Failure,
} from '../../servers/fault-proxy.ts'
import { drawStateCase, StateCase } from './state-case.ts'

export interface StateCampaignOptions {
  /** Where S3 is. */
  readonly endpoint: string
  readonly kills: number
  readonly seed: number
  /** Rows of the input. */
  readonly rows: number
  readonly tell: (line: string) => void
}

export interface StateCampaign {
  readonly kills: number
  readonly faults: number
  readonly cases: number
  readonly restores: number
  readonly checkpoints: number
  /** The first case that went wrong; undefined when none did. */
  readonly failure: string | undefined
}

const KILLS_A_CASE = 8
const CARDS = new URL('../../../examples/data/card-transactions.csv.gz', import.meta.url)

/** One request of twelve fails, is throttled, or loses its answer or itself. */
function fault({ random, operation }: ProxiedRequest): Fault | undefined {
  if (random < 0.02) return { answer: s3Failure('SlowDown', 503) }
  if (random < 0.03) return { answer: s3Failure('InternalError', 500) }
  if (random < 0.05) return { loses: 'request' }
  const isWrite = /Put|Complete|Upload|Delete/.test(operation)
  return random < (isWrite ? 0.09 : 0.06) ? { loses: 'answer' } : undefined
}

/** Jobs with their state in buckets of their own, until so many kills have hit; ends with the first difference. */
export async function stateCampaign(options: StateCampaignOptions): Promise<StateCampaign> {
  const { endpoint, seed, rows, tell } = options
  const s3 = new TestS3(endpoint)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-s3-inputs-'))
  const proxy = await FaultProxy.start(endpoint, { seed, plan: fault })
  const sum = { kills: 0, faults: 0, cases: 0, restores: 0, checkpoints: 0 }
  try {
    const inputs = await makeInputs(gunzipSync(await readFile(CARDS)).toString(), rows, folder)
    while (sum.kills < options.kills) {
      const caseSeed = seed + sum.cases
      const left = Math.min(KILLS_A_CASE, options.kills - sum.kills)
      const plan = drawStateCase(new SeededRandom(caseSeed), left, inputs.rows)
      const bucket = await s3.createBucket()
      const place = { endpoint: proxy.endpoint, bucket, store: s3.store(bucket), inputs }
      const outcome = await new StateCase(plan, place).run()
      sum.kills += outcome.kills
      sum.restores += outcome.restores
      sum.checkpoints += outcome.checkpoints
      sum.cases++
      sum.faults = [...proxy.faults.values()].reduce((a, b) => a + b, 0)
      tell(
        `case ${sum.cases}: notes of ${plan.note} bytes, checkpoints every ${plan.checkpointIntervalMs} ms, parallelism ${plan.parallelism.join(' ')}: ` +
          `${outcome.kills} kills, ${outcome.checkpoints} checkpoints, ${outcome.restores} lives from a savepoint, objects of up to ${outcome.largest} bytes; in all ${sum.kills} kills, ${sum.faults} faults`,
      )
      if (outcome.problems.length > 0) {
        const failure = `case ${sum.cases} (seed ${caseSeed}, ${outcome.folder}):\n${outcome.problems.join('\n')}`
        return { ...sum, failure }
      }
      const keys: string[] = []
      for await (const { key } of place.store.list('')) keys.push(key)
      await place.store.delete(keys)
    }
    return { ...sum, failure: undefined }
  } finally {
    await proxy.stop()
    s3.close()
    await rm(folder, { recursive: true, force: true })
  }
}
