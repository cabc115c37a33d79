import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { KINESIS } from '../../connectors/kinesis/kinesis-client.ts'
import type { Failpoint } from '../../runtime/failpoint.ts'
import { RunningProcess } from '../cluster/process.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { bareClient, describeS3, kinesisEndpoint } from '../servers/aws-for-tests.ts'
import { FaultProxy, jsonFailure } from '../servers/fault-proxy.ts'
import { createDelivery, linesIn } from './deliveries.ts'
import { createStream, readStream } from './kinesis-streams.ts'
import { refusing } from './partial-failures.ts'

const JOB = new URL('./jobs/putting.ts', import.meta.url)
/** At 200 a second: more than a run needs for two checkpoints on a busy machine. */
const COUNT = 800
const makeFolder = temporaryFolders()

interface Row {
  readonly key: string
  readonly n: number
}

let dir: string
beforeEach(async () => {
  dir = join(await makeFolder(), 'state')
})

/** Runs the job, killed at each of these points, and lets it end then. */
async function runWithKills(
  points: readonly `${Failpoint}:${number}`[],
  params: Readonly<Record<string, string>>,
) {
  const run = (rate: number, failpoint = '') =>
    new RunningProcess(
      JOB,
      {
        dir,
        parallelism: 2,
        params: { ...params, count: COUNT, rate },
        checkpointInterval: '50ms',
      },
      { MILLRACE_FAILPOINT: failpoint },
    )
  for (const point of points) {
    const process = run(200, point)
    await process.ended
    expect(process.child.signalCode).toBe('SIGKILL')
  }
  const last = run(0)
  await last.ended
  expect(last.told.at(-1)).toMatchObject({ type: 'ended', status: 'finished' })
}

/** Nothing of what came before the checkpoint may be missing. */
const AFTER_PUBLISH = 'after-publish:2'
/** What came since the last checkpoint is there already, and comes again. */
const BEFORE_PUBLISH = 'before-publish:2'

const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b)
const ALL = Array.from({ length: COUNT }, (_, n) => n)

describe('a job that writes to Kinesis and is killed', () => {
  const client = bareClient(KINESIS, kinesisEndpoint())
  afterAll(() => client.close())

  it('loses nothing through kill -9, refusals and lost answers; what is there twice came again from a checkpoint', async () => {
    const stream = await createStream(client, 2)
    const proxy = await FaultProxy.start(kinesisEndpoint(), {
      plan: (request) => {
        if (request.operation !== 'PutRecords') return undefined
        if (request.random < 0.05) return { loses: 'answer' }
        if (request.random < 0.1)
          return { answer: jsonFailure('ProvisionedThroughputExceededException') }
        return request.random < 0.4 ? refusing(request, 'Records', 0.3) : undefined
      },
    })
    await runWithKills([AFTER_PUBLISH, BEFORE_PUBLISH], {
      endpoint: proxy.endpoint,
      to: 'kinesis',
      name: stream,
    })
    await proxy.stop()
    const found = (await readStream(client, stream)).map(({ text }) => JSON.parse(text) as Row)
    expect(sorted(new Set(found.map(({ n }) => n)))).toEqual(ALL)
    // Some came again, in the order of writing from a checkpoint on: a key goes back only where a run begins anew, or by one.
    expect(found.length).toBeGreaterThan(COUNT)
    for (const rows of Map.groupBy(found, ({ key }) => key).values()) {
      const steps = rows.slice(1).map(({ n }, i) => n - rows[i]!.n)
      expect(steps.filter((step) => step < 0).length).toBeLessThanOrEqual(2)
      expect(steps.filter((step) => step > 40)).toEqual([])
    }
    expect(proxy.faults.get('PutRecords')).toBeGreaterThan(0)
  })
})

describeS3('a job that writes to Firehose and is killed', (s3) => {
  it('loses nothing through kill -9 and refusals', async () => {
    const { bucket, name } = await createDelivery(s3)
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: (request) =>
        request.operation === 'PutRecordBatch' && request.random < 0.4
          ? refusing(request, 'RequestResponses', 0.3)
          : undefined,
    })
    await runWithKills([AFTER_PUBLISH], { endpoint: proxy.endpoint, to: 'firehose', name })
    await proxy.stop()
    const found = (await linesIn(s3, bucket)).map((line) => (JSON.parse(line) as Row).n)
    expect(sorted(new Set(found))).toEqual(ALL)
    expect(proxy.faults.get('PutRecordBatch')).toBeGreaterThan(0)
  })
})
