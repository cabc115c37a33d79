import { SeededRandom } from '../../../runtime/clock.ts'
import { TestS3 } from '../../servers/aws-for-tests.ts'
import {
  type Fault,
  FaultProxy,
  jsonFailure,
  type ProxiedRequest,
  s3Failure,
} from '../../servers/fault-proxy.ts'
import { TestTable } from '../glue-for-tests.ts'
import { drawLakeCase, LakeCase } from './lake-case.ts'

export interface LakeCampaignOptions {
  /** Where S3 is. */
  readonly endpoint: string
  /** Whether it lists uploads by what their keys begin with. Default true. */
  readonly listsUploads?: boolean
  /** Where Glue is. Default: there as well, with the same faults. */
  readonly glue?: string
  readonly kills: number
  readonly seed: number
  readonly tell: (line: string) => void
}

export interface LakeCampaign {
  readonly kills: number
  readonly faults: number
  readonly cases: number
  /** The first case that went wrong; undefined when none did. */
  readonly failure: string | undefined
}

const PARTITIONS = ['dt', 'hour', 'start']
/** At most so many kills in one case. */
const KILLS_A_CASE = 8

/** One request of twelve fails, is throttled, or loses its answer or itself. */
function fault({ random, operation }: ProxiedRequest): Fault | undefined {
  const isOfGlue = operation === 'GetTable' || operation === 'BatchCreatePartition'
  if (random < 0.02) {
    return { answer: isOfGlue ? jsonFailure('ThrottlingException') : s3Failure('SlowDown', 503) }
  }
  if (random < 0.03) {
    const name = 'InternalServiceException'
    return { answer: isOfGlue ? jsonFailure(name, 500) : s3Failure('InternalError', 500) }
  }
  if (random < 0.05) return { loses: 'request' }
  const isWrite = /Put|Complete|Upload|Delete|Create/.test(operation)
  return random < (isWrite ? 0.09 : 0.06) ? { loses: 'answer' } : undefined
}

/** Cases in buckets of their own, until so many kills have hit; ends with the first difference. */
export async function lakeCampaign(options: LakeCampaignOptions): Promise<LakeCampaign> {
  const { endpoint, listsUploads = true, glue, seed, tell } = options
  const s3 = new TestS3(endpoint)
  const proxy = await FaultProxy.start(endpoint, { seed, plan: fault })
  const faultsOf = () => [...proxy.faults.values()].reduce((a, b) => a + b, 0)
  let [kills, cases] = [0, 0]
  try {
    while (kills < options.kills) {
      const random = new SeededRandom(seed + cases)
      const plan = drawLakeCase(random, Math.min(KILLS_A_CASE, options.kills - kills))
      const bucket = await s3.createBucket()
      const place = {
        endpoint: proxy.endpoint,
        glueEndpoint: glue ?? proxy.endpoint,
        bucket,
        store: s3.store(bucket),
        table: await TestTable.create(glue ?? endpoint, `s3://${bucket}/json`, PARTITIONS),
        listsUploads,
      }
      const outcome = await new LakeCase(plan, place).run()
      place.table.close()
      kills += outcome.kills
      cases++
      const { records, padding, spans, compression, checkpointIntervalMs, parallelism } = plan
      tell(
        `case ${cases}: ${records} records of ${padding} bytes and more, ${compression}${spans ? ', over checkpoints' : ''}, checkpoints every ${checkpointIntervalMs} ms, parallelism ` +
          `${parallelism.join(' ')}: ${outcome.kills} kills, ${outcome.objects} objects; in all ${kills} kills, ${faultsOf()} faults`,
      )
      if (outcome.problems.length > 0) {
        const failure = `case ${cases} (seed ${seed + cases - 1}, ${outcome.folder}):\n${outcome.problems.join('\n')}`
        return { kills, faults: faultsOf(), cases, failure }
      }
      const left: string[] = []
      for await (const { key } of place.store.list('')) left.push(key)
      await place.store.delete(left)
    }
    return { kills, faults: faultsOf(), cases, failure: undefined }
  } finally {
    await proxy.stop()
    s3.close()
  }
}
