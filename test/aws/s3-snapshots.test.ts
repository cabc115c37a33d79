import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { collectGarbage } from '../../runtime/inspect/collect-garbage.ts'
import { listCheckpoints } from '../../runtime/inspect/list-checkpoints.ts'
import { openSnapshot } from '../../runtime/inspect/snapshot.ts'
import { verifySnapshots } from '../../runtime/inspect/verify-snapshots.ts'
import { checkJob } from '../../runtime/job/check-job.ts'
import { commandJob } from '../../runtime/job/control-client.ts'
import type { JobEvent, RunJobOptions } from '../../runtime/job/job-events.ts'
import { startJob } from '../../runtime/job/run-job.ts'
import { nodeFileSystem } from '../../runtime/file-system.ts'
import { lookIntoHome } from '../../runtime/job/open-home.ts'
import type { ObjectStore } from '../../runtime/object-store.ts'
import { bootstrapState } from '../../runtime/rewrite/state-edit.ts'
import { valueState } from '../../runtime/state/state.ts'
import { writeSavepoint } from '../../runtime/rewrite/write-savepoint.ts'
import { describeS3 } from '../servers/aws-for-tests.ts'
import { environment } from './environment.ts'

const JOB = new URL('../cluster/jobs/counting.ts', import.meta.url)

async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of given) found.push(one)
  return found
}

async function keysIn(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await all(store.list(prefix))).map(({ key }) => key)
}

async function linesIn(folder: string): Promise<{ readonly n: number }[]> {
  const names = await readdir(folder)
  const texts = await Promise.all(
    names
      .filter((name) => name.startsWith('part-'))
      .map((name) => readFile(join(folder, name), 'utf8')),
  )
  const lines = texts.flatMap((text) => text.trimEnd().split('\n'))
  return lines.map((line) => JSON.parse(line) as { readonly n: number })
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

  it('are written there by a program, taken over, and what is left over is removed', async () => {
    const bucket = await s3.createBucket()
    const dir = `s3://${bucket}/state`
    const rows = Array.from({ length: 10 }, (_, n) => ({ key: `k${n}`, value: 7 }))
    const states = { number: { seen: bootstrapState(valueState<number>(), rows) } }
    const work = join(folder, 'sorting')
    const [kept, again] = [`s3://${bucket}/kept/new`, `s3://${bucket}/kept/again`]
    const written = await writeSavepoint({ path: kept, job: 'counting', states, work })
    expect(written).toMatchObject({ path: kept, entries: 10 })
    expect(existsSync(work)).toBe(false)
    const copied = await writeSavepoint({ path: again, from: kept, work })
    expect(copied).toMatchObject({ path: again, entries: 10 })
    const taken = writeSavepoint({ path: kept, job: 'counting', states, work })
    await expect(taken).rejects.toMatchObject({ code: 'MR_SAVEPOINT_TARGET' })
    const inFolder = writeSavepoint({ path: join(folder, 'new'), job: 'counting', work })
    await expect(inFolder).rejects.toMatchObject({ code: 'MR_OPTION_INVALID' })

    // Into S3, and into a folder.
    for (const [from, to] of [
      [kept, dir],
      [again, join(folder, 'claimed')],
    ] as const) {
      const out = join(folder, `out-of-${basename(from)}`)
      const params = { out, count: 100 }
      events.splice(0)
      const options = { from, claim: true, parallelism: 2, params }
      expect((await run(to, options).result).status).toBe('finished')
      expect(events[0]).toMatchObject({
        mode: 'from',
        notes: expect.arrayContaining([
          expect.stringMatching(/was taken over: it is a checkpoint of this job now$/),
        ]) as unknown,
      })
      expect(await keysIn(s3.store(bucket), `${from.slice(`s3://${bucket}/`.length)}/`)).toEqual([])
      // The same command goes on, or says that it has ended.
      expect((await run(to, options).result).status).toBe('already-finished')
      const lines = await linesIn(out)
      expect(lines.map(({ n }) => n).toSorted((a, b) => a - b)[0]).toBe(8)
      expect(lines).toHaveLength(100)
    }

    const job = `${dir}/counting`
    const { current } = (await lookIntoHome(dir, 'counting', nodeFileSystem).readRecord(
      'counting',
    ))!
    const left = `state/counting/checkpoints/${current}/chk-1/left.e1-x-0.seg`
    await s3.store(bucket).put(left, Buffer.from('left over'))
    const told = await collectGarbage(job, { dryRun: false })
    expect(told).toMatchObject({ isRemoved: false, files: [{ path: `s3://${bucket}/${left}` }] })
    const removed = await collectGarbage(job, { dryRun: false, takesOver: true })
    expect(removed.isRemoved).toBe(true)
    expect(await keysIn(s3.store(bucket), left)).toEqual([])
    for await (const one of verifySnapshots(job)) expect(one.damages).toEqual([])
  })

  it('what is not possible there is refused, with the reason', async () => {
    const bucket = await s3.createBucket()
    const dir = `s3://${bucket}/state`
    const invalid = { code: 'MR_OPTION_INVALID' }
    await expect(run('s3://No_Bucket').result).rejects.toMatchObject(invalid)
    await expect(run(folder, { work: folder }).result).rejects.toMatchObject(invalid)
    await expect(run(dir, { work: dir }).result).rejects.toMatchObject(invalid)
    await expect(collectGarbage(folder, { dryRun: false, takesOver: true })).rejects.toMatchObject(
      invalid,
    )
    const nothing = { code: 'MR_CHECKPOINT_NOT_FOUND' }
    await expect(listCheckpoints(`${dir}/nothing`)).rejects.toMatchObject(nothing)
    await s3.store(bucket).put('other/counting/checkpoints/x/notes', Buffer.from('mine'))
    const garbage = collectGarbage(`s3://${bucket}/other/counting`, { dryRun: true })
    await expect(garbage).rejects.toMatchObject(nothing)
    await expect(run(dir, { from: `${dir}/nothing` }).result).rejects.toMatchObject(nothing)
    const missing = run('s3://no-such-bucket-of-ours/state').result
    await expect(missing).rejects.toMatchObject({ code: 'MR_AWS_MISSING' })
  })
})
