import { expect, it } from 'vitest'
import { json } from '../../connectors/json-format.ts'
import { eventTime } from '../../connectors/s3/event-time.ts'
import { s3Sink } from '../../connectors/s3/s3-sink.ts'
import type { S3SinkOptions } from '../../connectors/s3/s3-sink-options.ts'
import type { Sink } from '../../runtime/sink.ts'
import { LINEAGE, SinkRun } from '../contract/sink-run.ts'
import { describeS3, standIn } from '../servers/aws-for-tests.ts'
import { FaultProxy, jsonFailure } from '../servers/fault-proxy.ts'
import { TestTable } from './glue-for-tests.ts'

interface Click {
  readonly country: string
  readonly at: number
}

const DAY_MS = 86_400_000
const clicks: readonly Click[] = Array.from({ length: 104 }, (_, n) => ({
  country: n % 2 === 0 ? 'DE' : 'a/b',
  at: Date.UTC(2026, 0, 1) + Math.floor(n / 2) * DAY_MS,
}))
/** The partitions of all clicks: more than one request takes. */
const expected = clicks
  .map(({ country, at }) => {
    const dt = new Date(at).toISOString().slice(0, 10)
    return { values: [dt, country], folder: `dt=${dt}/country=${country.replace('/', '%2F')}/` }
  })
  .sort((a, b) => (a.folder < b.folder ? -1 : 1))

async function check(sink: Sink<Click>): Promise<void> {
  await sink.checkOutput!({
    uid: 'lake',
    current: { lineage: LINEAGE, checkpointId: 0 },
    ancestry: [],
    policy: 'refuse',
    pending: [],
    log() {},
  })
}

describeS3('the table of s3Sink in Glue', (s3) => {
  const place = async (keys: readonly string[] = ['dt', 'country']) => {
    const bucket = await s3.createBucket()
    const table = await TestTable.create(s3.endpoint, `s3://${bucket}/clicks`, keys)
    const sinkOf = (endpoint: string, glue: Partial<S3SinkOptions<Click>['glue']> = {}) => {
      const { database, table: name } = table
      return s3Sink<Click>({
        ...standIn(s3.endpoint),
        path: `s3://${bucket}/clicks`,
        format: json<Click>(),
        partitions: { dt: eventTime('day'), country: ({ country }) => country },
        glue: { endpoint, database, table: name, retryTimeout: '1s', ...glue },
      })
    }
    return { bucket, table, sinkOf }
  }

  it('gets all partitions, while requests fail as a whole and in part, and lose their answers', async () => {
    const { bucket, table, sinkOf } = await place()
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: ({ operation, nth, body }) => {
        if (nth === 0) return { answer: jsonFailure('ThrottlingException') }
        if (operation !== 'BatchCreatePartition') return undefined
        if (nth === 1) return { loses: 'request' }
        // Of the second request, for the rest.
        if (nth === 4) return { loses: 'answer' }
        if (nth !== 2) return undefined
        // As if all but the first were there.
        const { PartitionInputList } = JSON.parse(body.toString()) as {
          PartitionInputList: { Values: string[] }[]
        }
        const Errors = PartitionInputList.map(({ Values }, i) => ({
          PartitionValues: Values,
          ErrorDetail: {
            ErrorCode: i === 0 ? 'InternalServiceException' : 'AlreadyExistsException',
          },
        }))
        return { answer: { status: 200, body: JSON.stringify({ Errors }) } }
      },
    })
    const sink = sinkOf(proxy.endpoint, { retryTimeout: '20s' })
    await check(sink)
    const run = new SinkRun(sink)
    for (const click of clicks) run.writer.write(click, click.at)
    const parts = await run.cut(1)
    await run.commit(parts)
    const wanted = expected.map(({ values, folder }) => ({
      values,
      location: `s3://${bucket}/clicks/${folder}`,
    }))
    expect(await table.partitions()).toEqual(wanted)
    // As another process does that has not heard of it.
    const other = new SinkRun(sink, { attempt: 2 })
    await other.commit(parts)
    await run.close()
    await other.close()
    expect(await table.partitions()).toEqual(wanted)
    expect([...proxy.faults]).toEqual([
      ['GetTable', 1],
      ['BatchCreatePartition', 4],
    ])
    await proxy.stop()
    table.close()
  })

  it('fails a commit while Glue is away, so that the attempt is made again', async () => {
    const { table, sinkOf } = await place()
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: ({ operation }) =>
        operation === 'BatchCreatePartition' ? { loses: 'request' } : undefined,
    })
    const sink = sinkOf(proxy.endpoint)
    const run = new SinkRun(sink)
    run.writer.write(clicks[0]!, clicks[0]!.at)
    const parts = await run.cut(1)
    await expect(run.commit(parts)).rejects.toMatchObject({
      name: 'RestartableError',
      code: 'MR_AWS_UNAVAILABLE',
      message: expect.stringContaining('add the partition 2026-01-01/DE to the table') as string,
    })
    expect(await table.partitions()).toEqual([])
    proxy.plan = () => undefined
    await run.commit(parts)
    expect(await table.partitions()).toHaveLength(1)
    await run.close()
    await proxy.stop()
    table.close()
  })

  it('is checked at the start: whether it is there, may be seen, and fits', async () => {
    const { table, sinkOf } = await place()
    await check(sinkOf(s3.endpoint))
    const { database } = table
    for (const glue of [{ table: 'orders' }, { database: 'no_such_lake' }]) {
      await expect(check(sinkOf(s3.endpoint, glue))).rejects.toMatchObject({
        code: 'MR_AWS_MISSING',
        fields: expect.objectContaining({ database, table: 'clicks', ...glue }) as object,
      })
    }
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: () => ({ answer: jsonFailure('AccessDeniedException') }),
    })
    await expect(check(sinkOf(proxy.endpoint))).rejects.toMatchObject({
      code: 'MR_AWS_REFUSED',
      message: expect.stringContaining('glue:GetTable') as string,
    })
    await proxy.stop()
    table.close()
    const other = await place(['country', 'dt'])
    await expect(check(other.sinkOf(s3.endpoint))).rejects.toMatchObject({
      code: 'MR_TABLE_MISMATCH',
    })
    other.table.close()
  })
})
