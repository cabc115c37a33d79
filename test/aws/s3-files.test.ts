import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { csv, fileSource, json } from 'millrace'
import { SystemClock } from '../../runtime/clock.ts'
import type { S3Store } from '../../runtime/aws/s3-store.ts'
import { sourceContract } from '../contract/source.ts'
import { readSource, SourceRun } from '../contract/source-run.ts'
import { describeS3, standIn } from '../servers/aws-for-tests.ts'
import { FaultProxy, s3Failure } from '../servers/fault-proxy.ts'

interface Row {
  readonly n: number
}

const MIB = 1024 * 1024
const REAL = { realClock: new SystemClock() }

describeS3('fileSource on S3', (s3) => {
  let bucket: string
  let store: S3Store
  beforeAll(async () => {
    bucket = await s3.createBucket()
    store = s3.store(bucket)
  })

  const rows = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `{"n":${from + i}}\n`).join('')
  const put = (key: string, text: string | Uint8Array) => store.put(key, Buffer.from(text))
  const source = (path: string, endpoint = s3.endpoint) =>
    fileSource({
      path: `s3://${bucket}/${path}`,
      format: json<Row>(),
      s3: standIn(endpoint),
    })
  const read = async (path: string) =>
    (await readSource(source(path), REAL)).map(({ n }) => n).sort((a, b) => a - b)

  describe('as any source', () => {
    beforeAll(async () => {
      await put('contract/in.csv', 'a,b\n1,x\n2,"y\nz"\n')
      await put('contract/in.csv.gz', gzipSync('a,b\n1,x\n2,"y\nz"\n'))
    })
    for (const name of ['in.csv', 'in.csv.gz']) {
      sourceContract({
        name,
        create: () =>
          fileSource({
            path: `s3://${bucket}/contract/${name}`,
            format: csv(),
            s3: standIn(s3.endpoint),
          }),
        expected: [
          { a: '1', b: 'x' },
          { a: '2', b: 'y\nz' },
        ],
        runOptions: REAL,
      })
    }
  })

  it('reads an object, the objects directly in a folder, or those that match a glob', async () => {
    await put('in/a.jsonl', rows(0, 2))
    await put('in/b.jsonl.gz', gzipSync(rows(2, 4)))
    await put('in/.hidden', 'x')
    await put('in/', '')
    await put('in/dt=2026-11-22/hour=05/c.jsonl', rows(4, 5))
    await put('in/dt=2026-11-22/.pending/d.jsonl', rows(5, 6))
    await put('in/dt=2026-11-23/e.txt', rows(6, 7))
    await put('inner', rows(7, 8))
    expect(await read('in/a.jsonl')).toEqual([0, 1])
    expect(await read('in')).toEqual([0, 1, 2, 3])
    expect(await read('in/')).toEqual([0, 1, 2, 3])
    expect(await read('in/**/*.jsonl')).toEqual([0, 1, 4])
    expect(await read('in/dt=2026-11-2[23]/**')).toEqual([4, 6])
    expect(await read('in*')).toEqual([7])
    for (const [path, code] of [
      ['no/such', 'MR_INPUT_MISSING'],
      ['in/*.avro', 'MR_INPUT_EMPTY'],
      ['in/dt=2026-11-22', 'MR_INPUT_EMPTY'],
    ] as const) {
      await expect(read(path)).rejects.toMatchObject({ code })
    }
  })

  it('reads what needs several requests, and goes on where it was', async () => {
    const text = rows(0, 900_000)
    expect(text.length).toBeGreaterThan(9 * MIB)
    await put('large/a.jsonl', text)
    const run = await new SourceRun(source('large'), REAL).start()
    await run.read(700_000)
    const restored = run.snapshot(1)
    const seen = run.values.length
    await run.close()
    const again = await new SourceRun(source('large'), { ...REAL, restored }).start()
    await again.read()
    expect(again.values[0]).toEqual({ n: seen })
    expect(seen + again.values.length).toBe(900_000)
    await again.close()
    await put('large/a.jsonl', rows(1, 900_000))
    const changed = await new SourceRun(source('large'), { ...REAL, restored }).start()
    await expect(changed.read()).rejects.toMatchObject({ code: 'MR_INPUT_CHANGED' })
    await changed.close()
  })

  it('goes on where S3 fails, and says what is wrong where it does not help', async () => {
    await put('faulty/a.jsonl.gz', gzipSync(rows(0, 1_000)))
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: ({ nth }) =>
        nth % 2 === 1
          ? undefined
          : nth % 4 === 0
            ? { answer: s3Failure('SlowDown', 503) }
            : { loses: 'answer' },
    })
    const values = await readSource(source('faulty/*', proxy.endpoint), REAL)
    expect(values).toHaveLength(1_000)
    expect(proxy.faults.get('GetObject')).toBeGreaterThan(0)
    await proxy.stop()
    const missing = fileSource({
      path: 's3://no-such-bucket-here/in',
      format: json<Row>(),
      s3: standIn(s3.endpoint),
    })
    await expect(readSource(missing, REAL)).rejects.toMatchObject({ code: 'MR_AWS_MISSING' })
  })

  it('finds new objects while it runs', async () => {
    const endless = fileSource({
      path: `s3://${bucket}/new/*.jsonl`,
      format: json<Row>(),
      s3: standIn(s3.endpoint),
      discoveryInterval: 20,
    })
    const run = await new SourceRun(endless, { ...REAL, parallelism: 2 }).start()
    await put('new/b.jsonl', rows(0, 2))
    await run.read(2)
    await put('new/a.jsonl', rows(2, 3))
    await run.read(3)
    expect(run.values.map(({ n }) => n).sort()).toEqual([0, 1, 2])
    await run.close()
  })
})

it('refuses paths and settings that mean no place in S3', () => {
  const make = (path: string, more: object = {}) => fileSource({ path, format: csv(), ...more })
  for (const path of ['s3://', 's3://A/b', 's3://bucket/a//b', 's3://bucket/../b']) {
    expect(() => make(path)).toThrow('no place in S3')
  }
  expect(() => make('in.csv', { s3: { region: 'eu-central-1' } })).toThrow('s3 for paths such as')
  expect(() => make('s3://bucket/in', { s3: { region: 'EU 1' } })).toThrow('name of a region')
  expect(() => make('s3://bucket/in', { s3: { regoin: 'x' } })).toThrow('regoin')
})
