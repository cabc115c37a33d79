import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { SeededRandom } from '../../runtime/clock.ts'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { RunningProcess } from '../cluster/process.ts'
import { describeS3 } from '../servers/aws-for-tests.ts'
import { FaultProxy, s3Failure } from '../servers/fault-proxy.ts'
import { environment } from './environment.ts'

const JOB = new URL('../cluster/jobs/counting.ts', import.meta.url)

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

  it.concurrent(
    'end exactly, killed at random moments, while S3 throttles, fails and loses answers (R1, R26)',
    async () => {
      const name = 'kills'
      const dir = `s3://${await s3.createBucket()}/state`
      const random = new SeededRandom(7)
      const proxy = await FaultProxy.start(s3.endpoint, {
        plan: ({ random: chance }) => {
          if (chance < 0.03) return { answer: s3Failure('SlowDown', 503) }
          if (chance < 0.05) return { answer: s3Failure('InternalError', 500) }
          if (chance < 0.07) return { loses: 'request' }
          return chance < 0.12 ? { loses: 'answer' } : undefined
        },
      })
      const env = environment(proxy.endpoint)
      const slow = { dir, params: { count: 20_000, rate: 500 } }
      let kills = 0
      for (; kills < 2; kills++) {
        const run = start(name, slow, env)
        await run.until('checkpoint')
        await new Promise((resolve) => setTimeout(resolve, random.next() * 400))
        await run.kill()
      }
      const last = start(name, { dir, params: { count: 20_000 } }, env)
      await last.ended
      expect(last.told.at(-1)).toEqual({ type: 'ended', status: 'finished' })
      expect(last.told[0]).toMatchObject({ mode: 'resumed' })
      await expectExact(name, 20_000)
      for (const operation of ['PutObject', 'GetObject']) {
        expect(proxy.faults.get(operation)).toBeGreaterThan(0)
      }
      await proxy.stop()
    },
  )

  it('end exactly, killed at points of the protocol (R26, R33)', async () => {
    const name = 'points'
    const dir = `s3://${await s3.createBucket()}/state`
    const slow = { dir, params: { count: 20_000, rate: 500 } }
    const points = ['after-publish', 'before-commit']
    for (const point of points) {
      const run = start(name, slow, { MILLRACE_FAILPOINT: `${point}:2` })
      await run.ended
      expect(run.child.signalCode).toBe('SIGKILL')
    }
    const last = start(name, { dir, params: { count: 20_000 } })
    await last.ended
    expect(last.told.at(-1)).toEqual({ type: 'ended', status: 'finished' })
    await expectExact(name, 20_000)
  })

  it('go on where a second run is refused, and leave no trace of it', async () => {
    const name = 'refused'
    const dir = `s3://${await s3.createBucket()}/state`
    const count = 50_000
    const elsewhere = { dir, work: join(folder, 'refused-elsewhere') }
    const first = start(name, { dir, checkpointInterval: 500, params: { count, rate: 500 } })
    await first.until('checkpoint')
    // It finds the output of the first in its way, which is the last thing that is looked at.
    const anew = start(name, { ...elsewhere, fresh: true, params: { count } })
    await anew.ended
    expect(anew.told.at(-1)).toMatchObject({ type: 'ended', code: 'MR_OUTPUT_CONFLICT' })
    const before = first.told.length
    const hasGoneOn = () => first.told.slice(before).some(({ type }) => type === 'checkpoint')
    await vi.waitUntil(hasGoneOn, { timeout: 20_000 })
    await first.kill()
    const last = start(name, { dir, params: { count } })
    await last.ended
    expect(last.told.at(-1)).toEqual({ type: 'ended', status: 'finished' })
    expect(last.told[0]).toMatchObject({
      notes: expect.arrayContaining([expect.stringContaining('run 2 of the job')]) as unknown,
    })
    await expectExact(name, count)
  })

  it('end exactly where a second run takes over: the first one is fenced', async () => {
    const name = 'two'
    const dir = `s3://${await s3.createBucket()}/state`
    const count = 50_000
    const first = start(name, { dir, params: { count, rate: 200 } })
    await first.until('checkpoint')
    const second = start(name, { dir, params: { count }, work: join(folder, 'elsewhere') })
    await first.ended
    expect(first.told.at(-1)).toMatchObject({
      type: 'ended',
      code: 'MR_JOB_FENCED',
      message: expect.stringContaining(`process ${second.child.pid} on `) as string,
    })
    await second.ended
    expect(second.told[0]).toMatchObject({ type: 'started', mode: 'resumed' })
    expect(second.told.at(-1)).toEqual({ type: 'ended', status: 'finished' })
    await expectExact(name, count)
  })
})
