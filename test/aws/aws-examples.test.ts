import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { runJob, type RunJobOptions } from 'millrace'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clickOf } from '../../examples/generated/clicks.ts'
import { bundledTransactions } from '../../examples/demo/transaction-feed.ts'
import { BUNDLED, readCards } from '../fraud/card-files.ts'
import { expectedAlerts, parseTransactions } from '../fraud/expected-alerts.ts'
import { askDuckDb } from '../harness/duckdb.ts'
import { describeS3, kinesisEndpoint, type TestS3 } from '../servers/aws-for-tests.ts'
import { createDelivery, linesIn } from './deliveries.ts'
import { download } from './download.ts'
import { environment } from './environment.ts'
import { TestTable } from './glue-for-tests.ts'
import { TestStream } from './kinesis-for-tests.ts'

const ROWS = 3_000
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
async function run(
  s3: TestS3,
  name: string,
  params: Readonly<Record<string, unknown>>,
  checkpointInterval: RunJobOptions['checkpointInterval'] = '1s',
) {
  Object.assign(process.env, environment(s3.endpoint), {
    AWS_ENDPOINT_URL: s3.endpoint,
    AWS_ENDPOINT_URL_KINESIS: kinesisEndpoint(),
  })
  const { status } = await runJob(new URL(`../../examples/${name}.ts`, import.meta.url), {
    parallelism: 2,
    dir: join(folder, name),
    checkpointInterval,
    params,
  })
  expect(status).toBe('finished')
}

/** The first rows of the bundled transactions, as CSV. */
function someCards(): string {
  const lines = readCards(BUNDLED).split('\n', ROWS + 1)
  return `${lines.join('\n')}\n`
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
    await download(s3.store(lake), '', join(folder, 'alerts'))
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
    const lake = `s3://${bucket}/clicks`
    const inGlue = await TestTable.create(s3.endpoint, lake, ['dt', 'hour', 'country'])
    const table = `${inGlue.database}.${inGlue.table}`
    await run(s3, 'clickstream-to-lake', { count: CLICKS, lake, table })
    await download(s3.store(bucket), '', join(folder, 'lake'))
    const rows = `read_parquet('${folder}/lake/clicks/**/*.parquet', hive_partitioning = true)`
    const counted = await askDuckDb(
      `SELECT page, country, count(*)::int AS clicks, sum(took)::int AS took FROM ${rows} GROUP BY ALL ORDER BY page, country`,
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
      `SELECT count(*)::int AS n FROM ${rows} WHERE strftime(make_timestamp(epoch_ms("at") * 1000), '%Y-%m-%d %H') <> (dt::text || ' ' || lpad(hour::text, 2, '0'))`,
    )
    expect(misplaced).toEqual({ n: 0 })
    const [distinct] = await askDuckDb(`SELECT count(DISTINCT id)::int AS n FROM ${rows}`)
    expect(distinct).toEqual({ n: CLICKS })
    const folders = new Set<string>()
    for await (const { key } of s3.store(bucket).list('clicks/')) folders.add(dirname(key))
    const partitions = await inGlue.partitions()
    expect(partitions.map(({ location }) => location)).toEqual(
      [...folders].map((path) => `s3://${bucket}/${path}/`).sort(),
    )
    expect(partitions.every(({ values }) => values.length === 3)).toBe(true)
    inGlue.close()
  })

  it('compact-lake: many small objects become one for each day and country', async () => {
    const bucket = await s3.createBucket()
    const store = s3.store(bucket)
    const clicks = Array.from({ length: CLICKS / 4 }, (_, index) => clickOf(index * 40))
    const perObject = 125
    for (let at = 0; at < clicks.length; at += perObject) {
      const lines = clicks.slice(at, at + perObject).map((click) => `${JSON.stringify(click)}\n`)
      await store.put(`raw/hour=${at % 24}/${at}.jsonl.gz`, gzipSync(lines.join('')))
    }
    const lake = `s3://${bucket}/curated`
    await run(s3, 'compact-lake', { raw: `s3://${bucket}/raw/**/*.jsonl.gz`, lake }, '1h')
    const wanted = Map.groupBy(
      clicks,
      ({ at, country }) => `dt=${new Date(at).toISOString().slice(0, 10)}/country=${country}`,
    )
    const folders: string[] = []
    for await (const { key } of store.list('curated/')) folders.push(dirname(key))
    expect(folders).toEqual([...wanted.keys()].map((path) => `curated/${path}`).sort())
    expect(folders.length).toBeLessThan(clicks.length / perObject)
    await download(s3.store(bucket), '', join(folder, 'compacted'))
    const rows = await askDuckDb(
      `SELECT id::int AS id, "user", page, country, epoch_ms("at")::bigint::text AS "at", took, dt::text AS dt
       FROM read_parquet('${folder}/compacted/curated/**/*.parquet', hive_partitioning = true) ORDER BY id`,
    )
    expect(rows).toEqual(
      clicks.map((click) => ({
        ...click,
        at: String(click.at),
        dt: new Date(click.at).toISOString().slice(0, 10),
      })),
    )
  })
})

function byText<K extends string>(key: K) {
  return (a: Readonly<Record<K, string>>, b: Readonly<Record<K, string>>) =>
    a[key] < b[key] ? -1 : 1
}
