import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runJob } from 'millrace'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clickOf } from '../../examples/generated/clicks.ts'
import { bundledTransactions } from '../../examples/demo/transaction-feed.ts'
import { BUNDLED, readCards } from '../fraud/card-files.ts'
import { expectedAlerts, parseTransactions } from '../fraud/expected-alerts.ts'
import { askDuckDb } from '../harness/duckdb.ts'
import { describeS3, kinesisEndpoint, type TestS3 } from '../servers/aws-for-tests.ts'
import { createDelivery, linesIn } from './deliveries.ts'
import { environment } from './environment.ts'
import { TestStream } from './kinesis-for-tests.ts'

const ROWS = 6_000
const CLICKS = 20_000

let folder: string
const before = { ...process.env }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-aws-examples-'))
})

afterAll(async () => {
  process.env = before
  await rm(folder, { recursive: true })
})

/** Runs an example with addresses in the environment, as its user would. */
async function run(s3: TestS3, name: string, params: Readonly<Record<string, unknown>>) {
  Object.assign(process.env, environment(s3.endpoint), {
    AWS_ENDPOINT_URL: s3.endpoint,
    AWS_ENDPOINT_URL_KINESIS: kinesisEndpoint(),
  })
  const { status } = await runJob(new URL(`../../examples/${name}.ts`, import.meta.url), {
    parallelism: 2,
    dir: join(folder, name),
    checkpointInterval: '1s',
    params,
  })
  expect(status).toBe('finished')
}

/** The first rows of the bundled transactions, as CSV. */
function someCards(): string {
  const lines = readCards(BUNDLED).split('\n', ROWS + 1)
  return `${lines.join('\n')}\n`
}

/** Fetches all objects of a bucket into a folder. */
async function download(s3: TestS3, bucket: string, to: string): Promise<void> {
  const store = s3.store(bucket)
  for await (const { key } of store.list('')) {
    const path = join(to, key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, (await store.get(key))!.body)
  }
}

describeS3('the examples on AWS', (s3) => {
  it('kinesis-fraud: alerts of a stream go to Firehose, and into S3 once', async () => {
    const stream = await TestStream.create(2, kinesisEndpoint())
    const transactions = bundledTransactions().slice(0, ROWS)
    await stream.put(transactions.map((one) => ({ key: one.card, data: JSON.stringify(one) })))
    const lake = await s3.createBucket()
    const { bucket, name } = await createDelivery(s3)
    const place = { deliveryStream: name, lake: `s3://${lake}/alerts` }
    await run(s3, 'kinesis-fraud', { stream: stream.name, bounded: true, ...place })
    const expected = expectedAlerts(parseTransactions(someCards()))
    expect(expected.length).toBeGreaterThan(50)
    expect((await linesIn(s3, bucket)).sort()).toEqual(expected)
    await download(s3, lake, join(folder, 'alerts'))
    const kept = await askDuckDb(
      `SELECT rule, count(*)::int AS alerts FROM read_json('${folder}/alerts/**/*.gz', hive_partitioning = true, union_by_name = true) GROUP BY rule ORDER BY rule`,
    )
    const rules = Map.groupBy(expected, (row) => (JSON.parse(row) as { rule: string }).rule)
    expect(kept).toEqual(
      [...rules].map(([rule, those]) => ({ rule, alerts: those.length })).sort(byText('rule')),
    )
  })

  it('fraud-detection: a fileSink writes into S3 what it writes to disk', async () => {
    const [input, bucket] = [join(folder, 'cards.csv'), await s3.createBucket()]
    await writeFile(input, someCards())
    await run(s3, 'fraud-detection', { input, out: `s3://${bucket}/alerts` })
    const found: string[] = []
    const store = s3.store(bucket)
    for await (const { key } of store.list('')) {
      expect(key).toMatch(/^alerts\/part-[^/]+\.jsonl$/)
      found.push(
        ...Buffer.from((await store.get(key))!.body)
          .toString()
          .trimEnd()
          .split('\n'),
      )
    }
    expect(found.sort()).toEqual(expectedAlerts(parseTransactions(someCards())))
  })

  it('clickstream-to-lake: a table that DuckDB reads', async () => {
    const bucket = await s3.createBucket()
    await run(s3, 'clickstream-to-lake', { count: CLICKS, lake: `s3://${bucket}/clicks` })
    await download(s3, bucket, join(folder, 'lake'))
    const table = `read_parquet('${folder}/lake/clicks/**/*.parquet', hive_partitioning = true)`
    const counted = await askDuckDb(
      `SELECT page, country, count(*)::int AS clicks, sum(took)::int AS took FROM ${table} GROUP BY ALL ORDER BY page, country`,
    )
    const clicks = Array.from({ length: CLICKS }, (_, index) => clickOf(index))
    const groups = Map.groupBy(clicks, ({ page, country }) => `${page} ${country}`)
    const expected = [...groups].sort().map(([group, those]) => {
      const [page, country] = group.split(' ')
      const took = those.reduce((sum, click) => sum + click.took, 0)
      return { page, country, clicks: those.length, took }
    })
    expect(counted).toEqual(expected)
    const [misplaced] = await askDuckDb(
      `SELECT count(*)::int AS n FROM ${table} WHERE strftime(make_timestamp(epoch_ms("at") * 1000), '%Y-%m-%d %H') <> (dt::text || ' ' || lpad(hour::text, 2, '0'))`,
    )
    expect(misplaced).toEqual({ n: 0 })
    const [distinct] = await askDuckDb(`SELECT count(DISTINCT id)::int AS n FROM ${table}`)
    expect(distinct).toEqual({ n: CLICKS })
  })
})

function byText<K extends string>(key: K) {
  return (a: Readonly<Record<K, string>>, b: Readonly<Record<K, string>>) =>
    a[key] < b[key] ? -1 : 1
}
