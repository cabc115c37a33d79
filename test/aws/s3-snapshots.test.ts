import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { collectGarbage } from '../../runtime/inspect/collect-garbage.ts'
import { listCheckpoints } from '../../runtime/inspect/list-checkpoints.ts'
import { openSnapshot } from '../../runtime/inspect/snapshot.ts'
import { verifySnapshots } from '../../runtime/inspect/verify-snapshots.ts'
import { checkJob } from '../../runtime/job/check-job.ts'
import { commandJob } from '../../runtime/job/control-client.ts'
import type { JobEvent, RunJobOptions } from '../../runtime/job/job-events.ts'
import { startJob } from '../../runtime/job/run-job.ts'
import { writeSavepoint } from '../../runtime/rewrite/write-savepoint.ts'
import { describeS3 } from '../servers/aws-for-tests.ts'
import { environment } from './environment.ts'

const JOB = new URL('../cluster/jobs/counting.ts', import.meta.url)

async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of given) found.push(one)
  return found
}

describeS3('snapshots in S3', (s3) => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-s3-'))
    for (const [name, value] of Object.entries(environment(s3.endpoint))) vi.stubEnv(name, value)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true })
  })
  const events: JobEvent[] = []
  afterEach(() => void events.splice(0))

  const run = (dir: string, options: RunJobOptions = {}) =>
    startJob(JOB, {
      dir,
      ...(dir.startsWith('s3:') ? { work: join(folder, 'work') } : {}),
      parallelism: 1,
      checkpointInterval: 100,
      onEvent: (event) => void events.push(event),
      ...options,
      params: { out: join(folder, 'out'), count: 400, ...options.params },
    })
  const running = () => vi.waitUntil(() => events.some(({ type }) => type === 'checkpoint'), 60_000)

  it('are taken, found, read, verified, and started from', async () => {
    const bucket = await s3.createBucket()
    const dir = `s3://${bucket}/state`
    const first = run(dir, { params: { count: 50_000, rate: 500 } })
    await running()
    const target = `s3://${bucket}/kept/one`
    const { path } = await first.savepoint(target)
    expect(path).toBe(target)
    await expect(first.savepoint(target)).rejects.toMatchObject({ code: 'MR_SAVEPOINT_TARGET' })
    const inside = first.savepoint(`${dir}/counting/checkpoints/x`)
    await expect(inside).rejects.toMatchObject({ code: 'MR_SAVEPOINT_TARGET' })
    // As another process on this machine asks for it.
    const asked = { dir, work: join(folder, 'work'), job: 'counting' }
    const byDefault = await commandJob(asked, { verb: 'savepoint', path: undefined })
    expect(byDefault.path).toBe(`${dir}/counting/savepoints/${byDefault.checkpointId}`)
    await first.stop()
    const { lastCheckpoint } = await first.result

    const listed = await listCheckpoints(`${dir}/counting`)
    expect(listed.map(({ damage }) => damage)).toEqual(listed.map(() => undefined))
    expect(listed.find((one) => one.isNext)).toMatchObject({
      checkpointId: lastCheckpoint!.checkpointId,
      path: lastCheckpoint!.path.replace('/manifest.json', ''),
    })
    expect(listed.at(-1)).toMatchObject({ kind: 'savepoint', path: byDefault.path })
    for await (const one of verifySnapshots(`${dir}/counting`)) expect(one.damages).toEqual([])
    const [verified] = await all(verifySnapshots(target))
    expect(verified).toMatchObject({ damages: [], isGone: false })
    expect(verified!.files).toBeGreaterThan(0)
    const snapshot = await openSnapshot(target)
    const keys = await all(snapshot.entries({ uid: 'number', state: 'seen' }))
    expect(keys).toHaveLength(10)
    await snapshot.close()

    const check = await checkJob(JOB, { dir, params: { out: join(folder, 'out') } })
    expect(check.snapshot?.path).toBe(lastCheckpoint!.path.replace('/manifest.json', ''))

    // Into a folder, and into S3 again.
    for (const other of [join(folder, 'local'), `s3://${bucket}/other`]) {
      events.splice(0)
      const from = run(other, { from: target, output: 'replace', params: { count: 50_000 } })
      expect((await from.result).status).toBe('finished')
      expect(events.find(({ type }) => type === 'started')).toMatchObject({
        mode: 'from',
        restored: { checkpointId: verified!.checkpointId },
      })
    }
  })

  it('stay where they are when the job begins anew', async () => {
    const dir = `s3://${await s3.createBucket()}/fresh`
    const params = { out: join(folder, 'fresh-out') }
    const first = await run(dir, { params }).result
    const again = await run(dir, { params }).result
    expect([first.status, again.status]).toEqual(['finished', 'already-finished'])
    events.splice(0)
    await run(dir, { fresh: true, output: 'replace', params }).result
    const [started] = events
    const { lineage } = first.lastCheckpoint!
    expect(started).toMatchObject({
      mode: 'fresh',
      notes: expect.arrayContaining([
        expect.stringContaining(`${dir}/counting/checkpoints/${lineage}`) as string,
      ]) as string[],
    })
    const listed = await listCheckpoints(`${dir}/counting`)
    expect(listed.map((one) => one.lineage)).toContain(lineage)
    const [before] = await all(verifySnapshots(first.lastCheckpoint!.path))
    expect(before).toMatchObject({ damages: [] })
  })

  it('are not hidden by a new beginning where the head of the job was lost', async () => {
    const bucket = await s3.createBucket()
    const dir = `s3://${bucket}/lost`
    const params = { out: join(folder, 'lost-out') }
    const { lastCheckpoint } = await run(dir, { params }).result
    await s3.store(bucket).delete(['lost/counting/job.json'])
    await expect(run(dir, { params }).result).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
      message: expect.stringContaining(lastCheckpoint!.lineage) as string,
    })
    await run(dir, { fresh: true, output: 'replace', params }).result
    const listed = await listCheckpoints(`${dir}/counting`)
    expect(listed.map(({ path }) => `${path}/manifest.json`)).toContain(lastCheckpoint!.path)
  })

  it('what is not possible there is refused, with the reason', async () => {
    const dir = `s3://${await s3.createBucket()}/state`
    const invalid = { code: 'MR_OPTION_INVALID' }
    await expect(run('s3://No_Bucket').result).rejects.toMatchObject(invalid)
    await expect(run(dir, { from: dir, claim: true }).result).rejects.toMatchObject(invalid)
    await expect(run(folder, { work: folder }).result).rejects.toMatchObject(invalid)
    await expect(run(dir, { work: dir }).result).rejects.toMatchObject(invalid)
    await expect(collectGarbage(dir, { dryRun: true })).rejects.toMatchObject(invalid)
    const written = writeSavepoint({ path: `${dir}/new`, job: 'counting' })
    await expect(written).rejects.toMatchObject({ code: 'MR_SAVEPOINT_TARGET' })
    const nothing = { code: 'MR_CHECKPOINT_NOT_FOUND' }
    await expect(listCheckpoints(`${dir}/nothing`)).rejects.toMatchObject(nothing)
    await expect(run(dir, { from: `${dir}/nothing` }).result).rejects.toMatchObject(nothing)
    const missing = run('s3://no-such-bucket-of-ours/state').result
    await expect(missing).rejects.toMatchObject({ code: 'MR_AWS_MISSING' })
  })
})
