import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import type { SavepointSummary } from '../../../runtime/checkpoint/checkpoint-summary.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { type FileSystem, nodeFileSystem } from '../../../runtime/file-system.ts'
import { type SavepointProgress, Savepoints } from '../../../runtime/job/savepoints.ts'
import { RestartableError } from '../../../runtime/errors.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import { CONTENT, contentAt, LINEAGE, takeCheckpoint } from './snapshot-kit.ts'

const JOB = '/jobs/fraud'
let files: FaultFileSystem
let manifest: CheckpointManifest
let taken: SavepointSummary[]
let failures: Error[]
let points: string[]
let savepoints: Savepoints

beforeEach(async () => {
  files = new FaultFileSystem([LINEAGE, '/backup'])
  manifest = await takeCheckpoint(files)
  savepoints = open(JOB, files)
})

function open(directory: string, fileSystem: FileSystem): Savepoints {
  taken = []
  failures = []
  points = []
  return new Savepoints({
    directory,
    fileSystem,
    clock: new ManualClock(),
    failpoint: (name) => points.push(name),
    merger: () =>
      new LocalMerger(
        createFileStorage({ directory: LINEAGE, fileSystem: files }),
        new ManualClock(),
      ),
    onTaken: (summary) => taken.push(summary),
    onFailed: (error) => failures.push(error),
  })
}

/** The checkpoint that was wanted is complete. */
function complete(): void {
  for (const { completed } of savepoints.queue.takeAll()) {
    savepoints.queue.pin(manifest)
    completed(manifest)
  }
}

describe('a savepoint that is taken', () => {
  it('goes to the given folder, with news, and is told', async () => {
    const progress: SavepointProgress[] = []
    const target = await savepoints.reserve('/backup/one')
    const taking = savepoints.take(target, (one) => progress.push(one))
    complete()
    const summary = await taking
    expect(summary).toMatchObject({ path: '/backup/one', lineage: 'one', checkpointId: 3 })
    expect(taken).toEqual([summary])
    expect(await contentAt('/backup/one', files)).toEqual(CONTENT)
    expect(progress[0]).toEqual({ stage: 'checkpoint' })
    const { copied, total } = progress.at(-1) as Extract<SavepointProgress, { stage: 'copy' }>
    expect(copied).toBe(total)
    expect(points).toEqual(['savepoint-begun', 'savepoint-copied', 'savepoint-published'])
    expect(savepoints.queue.pinnedFiles).toEqual([])
  })

  it('goes to savepoints/<id> by default, beside what an earlier lineage left there', async () => {
    for (const name of ['3', '3-2', '3-3']) {
      const taking = savepoints.take(undefined)
      complete()
      expect((await taking).path).toBe(`${JOB}/savepoints/${name}`)
      expect(await contentAt(`${JOB}/savepoints/${name}`, files)).toEqual(CONTENT)
    }
  })

  it('is finished before the run is over, which waits for it', async () => {
    const taking = savepoints.take(undefined)
    complete()
    savepoints.end()
    await savepoints.settled()
    expect(taken).toHaveLength(1)
    await taking
  })
})

describe('a savepoint that fails', () => {
  it.each(['/jobs/fraud', '/jobs/fraud/checkpoints/one/chk-9', '/jobs/fraud/savepoints'])(
    'is refused in %s, whose files are removed by the job',
    async (path) => {
      await expect(savepoints.reserve(path)).rejects.toMatchObject({
        code: 'MR_SAVEPOINT_TARGET',
        message: expect.stringContaining('it lies in the folder of the job') as string,
      })
      expect(failures).toHaveLength(1)
    },
  )

  it('with its checkpoint leaves the folder free', async () => {
    const target = await savepoints.reserve('/backup/one')
    const taking = savepoints.take(target)
    for (const { failed } of savepoints.queue.takeAll()) {
      failed(new RestartableError('MR_CHECKPOINT_TIMEOUT', 'Checkpoint 3 was late; it is aborted.'))
    }
    await expect(taking).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_FAILED',
      message:
        'The savepoint in /backup/one was not taken: Checkpoint 3 was late; there is none, and the job goes on without it; see to the cause, and take it again.',
      fields: { path: '/backup/one', code: 'MR_CHECKPOINT_TIMEOUT' },
    })
    await (await savepoints.reserve('/backup/one')).abandon()
  })

  it('on a full disk leaves nothing, and the files of the checkpoint are free again', async () => {
    const target = await savepoints.reserve('/backup/one')
    const taking = savepoints.take(target)
    files.faults = { fails: ({ kind }) => (kind === 'write' ? 'ENOSPC' : undefined) }
    complete()
    await expect(taking).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_FAILED',
      fields: { code: 'MR_CHECKPOINT_FAILED' },
    })
    expect(files.files().filter((path) => path.startsWith('/backup'))).toEqual([])
    expect(savepoints.queue.pinnedFiles).toEqual([])
    expect(failures).toHaveLength(1)
  })

  it('since a file of the checkpoint is damaged names it (R27)', async () => {
    const { file } = manifest.subtasks[0]!.segments[0]!
    files.overwrite(`${LINEAGE}/${file}`, new Uint8Array(10))
    const taking = savepoints.take(undefined)
    complete()
    await expect(taking).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_FAILED',
      message: expect.stringContaining(file) as string,
    })
  })

  it('since the run is over says so, also to those that come later', async () => {
    const taking = savepoints.take(undefined)
    savepoints.end(new Error('The disk is gone; look at it.'))
    await expect(taking).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_FAILED',
      message: expect.stringContaining('(The disk is gone)') as string,
    })
    await expect(savepoints.take(undefined)).rejects.toMatchObject({ code: 'MR_SAVEPOINT_FAILED' })
    await expect(savepoints.reserve('/backup/one')).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_FAILED',
    })
  })

  it('since the run is given up leaves nothing', async () => {
    const target = await savepoints.reserve('/backup/one')
    const taking = savepoints.take(target)
    complete()
    savepoints.abort(new Error('Given up.'))
    await expect(taking).rejects.toMatchObject({ code: 'MR_SAVEPOINT_FAILED' })
    await savepoints.settled()
    expect(files.files().filter((path) => path.startsWith('/backup'))).toEqual([])
  })
})

describe('a folder behind a link', () => {
  let base: string

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'millrace-links-')))
  })

  afterEach(() => rm(base, { recursive: true }))

  it('is known as that of the job', async () => {
    const job = join(base, 'cards')
    await mkdir(join(job, 'checkpoints'), { recursive: true })
    await symlink(job, join(base, 'link'))
    savepoints = open(join(base, 'link'), nodeFileSystem)
    for (const path of [join(job, 'checkpoints/new'), join(base, 'link/checkpoints/new')]) {
      await expect(savepoints.reserve(path)).rejects.toMatchObject({ code: 'MR_SAVEPOINT_TARGET' })
    }
    const target = await savepoints.reserve(join(base, 'link/savepoints/new'))
    await target.abandon()
  })
})
