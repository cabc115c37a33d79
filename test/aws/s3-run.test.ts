import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { RunningProcess } from '../cluster/process.ts'
import { describeS3 } from '../servers/aws-for-tests.ts'

const JOB = new URL('../cluster/jobs/counting.ts', import.meta.url)

/** What a job needs to reach a stand-in, as its user would set it. */
function environment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  }
}

describeS3('jobs with their state in S3', (s3) => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-s3-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const start = (
    name: string,
    options: RunJobOptions,
    env: Readonly<Record<string, string>> = {},
  ): RunningProcess =>
    new RunningProcess(
      JOB,
      {
        work: join(folder, `${name}-work`),
        parallelism: 1,
        checkpointInterval: 100,
        progressInterval: 0,
        ...options,
        params: { out: join(folder, `${name}-out`), ...options.params },
      },
      { ...environment(s3.endpoint), ...env },
    )

  const expectExact = async (name: string, count: number): Promise<void> => {
    const out = join(folder, `${name}-out`)
    const rows: { key: string; index: number; n: number }[] = []
    for (const file of (await readdir(out, { recursive: true })).toSorted()) {
      if (!file.endsWith('.jsonl') && !file.endsWith('.json')) continue
      const text = await readFile(join(out, file), 'utf8')
      rows.push(
        ...text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as (typeof rows)[0]),
      )
    }
    const byIndex = rows.toSorted((a, b) => a.index - b.index)
    expect(byIndex.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, i) => i))
    expect(byIndex.map(({ n }) => n)).toEqual(
      Array.from({ length: count }, (_, i) => Math.floor(i / 10) + 1),
    )
  }

  it('run, and go on', async () => {
    const dir = `s3://${await s3.createBucket()}/state`
    const run = start('plain', { dir, params: { count: 2_000, rate: 2_000 } })
    await run.ended
    await expectExact('plain', 2_000)
  })
})
