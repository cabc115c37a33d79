import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { publishManifest } from '../../../runtime/checkpoint/manifest-file.ts'
import type { FailpointHook } from '../../../runtime/failpoint.ts'
import { nodeFileSystem } from '../../../runtime/file-system.ts'
import { JobDirectory } from '../../../runtime/job/job-directory.ts'
import { JobStart, startNotes } from '../../../runtime/job/job-start.ts'
import { manifestOf, planOf } from './plans.ts'
import { temporaryFolders } from './temporary-folder.ts'

const makeFolder = temporaryFolders()
let made = 0
let failpoint: FailpointHook
let folder: string
let directory: JobDirectory

beforeEach(async () => {
  made = 0
  failpoint = () => {}
  folder = await makeFolder()
  directory = await JobDirectory.open(folder, 'job', nodeFileSystem)
})

afterEach(() => directory.close())

function find(
  options: { fresh?: boolean; from?: string; claim?: boolean } = {},
): Promise<JobStart> {
  const { fresh = false, from, claim = false } = options
  const newLineage = `lineage-${++made}`
  return JobStart.find({
    directory,
    job: 'job',
    fresh,
    from,
    claim,
    newLineage,
    fileSystem: nodeFileSystem,
    failpoint: (name) => failpoint(name),
  })
}

/** Begins a lineage and gives it checkpoints. */
async function begin(ids: readonly number[], options: { fresh?: boolean; from?: string } = {}) {
  const start = await find(options)
  await start.commit()
  for (const id of ids) await publish(start, id)
  return start
}

async function publish(start: JobStart, id: number, changes: Partial<CheckpointManifest> = {}) {
  await start.storage.reserveId(id - 1)
  const { lineage, ancestry } = start.start.lineage
  await start.storage.publish(manifestOf(planOf(), id, { lineage, ancestry, ...changes }))
}

describe('finding what a start goes on from', () => {
  it('changes nothing on the disk until it is committed', async () => {
    const before = await readdir(directory.path)
    await find()
    await find({ fresh: true })
    expect(await readdir(directory.path)).toEqual(before)
  })

  it('resumes the lineage with its newest checkpoint that can be read (R1, R2)', async () => {
    const first = await begin([2, 3])
    await writeFile(join(first.checkpointDirectory, 'chk-3/manifest.json'), 'torn')
    const again = await find()
    expect(again.start).toMatchObject({ mode: 'resumed', lineage: { lineage: 'lineage-1' } })
    expect(again.newest?.checkpointId).toBe(2)
  })

  it('begins a lineage from a checkpoint, given by folder or manifest, with its ancestry (R2)', async () => {
    const first = await begin([2, 3])
    for (const path of ['chk-2', 'chk-2/manifest.json', 'chk-2/']) {
      const start = await find({ from: join(first.checkpointDirectory, path) })
      expect(start.start.mode).toBe('from')
      expect(start.start.lineage.ancestry).toEqual([{ lineage: 'lineage-1', checkpointId: 2 }])
      expect(start.foreign).toMatchObject({
        manifest: { checkpointId: 2 },
        directory: first.checkpointDirectory,
      })
      expect(start.newest).toBeUndefined()
      expect(start.base?.checkpointId).toBe(2)
    }
  })

  it('hands the ancestry of a checkpoint on to what begins from it (R2)', async () => {
    const first = await begin([2])
    const second = await begin([1], { from: join(first.checkpointDirectory, 'chk-2') })
    const third = await find({ from: join(second.checkpointDirectory, 'chk-1') })
    expect(third.start.lineage.ancestry).toEqual([
      { lineage: 'lineage-2', checkpointId: 1 },
      { lineage: 'lineage-1', checkpointId: 2 },
    ])
  })

  it('resumes what --from began when it is repeated, wherever the checkpoint is now (R2)', async () => {
    const first = await begin([2, 3])
    const path = join(first.checkpointDirectory, 'chk-2')
    const second = await begin([], { from: path })
    const elsewhere = join(await makeFolder(), 'copy')
    await rename(first.checkpointDirectory, elsewhere)
    const again = await find({ from: join(elsewhere, 'chk-2') })
    expect(again.start).toMatchObject({
      mode: 'resumed',
      repeatsFrom: true,
      lineage: { lineage: 'lineage-2' },
    })
    expect(again.foreign?.directory).toBe(elsewhere)
    await publish(second, 1)
    const later = await find({ from: join(elsewhere, 'chk-2') })
    expect(later).toMatchObject({ newest: { checkpointId: 1 }, foreign: undefined })
    expect((await find()).start.lineage.lineage).toBe(second.start.lineage.lineage)
  })

  it('reads the snapshot again that the lineage began from while it has no checkpoint (R2)', async () => {
    const first = await begin([2])
    await begin([], { from: join(first.checkpointDirectory, 'chk-2') })
    expect((await find()).foreign).toMatchObject({ manifest: { checkpointId: 2 } })
    await rm(first.checkpointDirectory, { recursive: true })
    await expect(find()).rejects.toMatchObject({ code: 'MR_CHECKPOINT_NOT_FOUND' })
  })

  it('takes a snapshot over again where a crash came in between, and knows it when it is gone (R2)', async () => {
    const first = await begin([2])
    const path = join(await makeFolder(), 'savepoint')
    await mkdir(path)
    await publishManifest(
      nodeFileSystem,
      { ...(await first.storage.readManifest(2)), kind: 'savepoint' },
      { folder: path, what: 'A savepoint' },
    )
    // In another directory, which knows nothing yet.
    await directory.close()
    directory = await JobDirectory.open(await makeFolder(), 'job', nodeFileSystem)
    const crashed = await find({ from: path, claim: true })
    failpoint = (name) => {
      if (name === 'claim-copied') throw new Error('killed')
    }
    await expect(crashed.commit()).rejects.toThrow('killed')
    failpoint = () => {}
    for (const again of [await find({ from: path, claim: true }), await find()]) {
      expect(again.start).toMatchObject({ mode: 'resumed', lineage: crashed.start.lineage })
      expect(again.claim?.manifest).toMatchObject({
        checkpointId: 2,
        lineage: crashed.start.lineage.lineage,
        ancestry: [{ lineage: 'lineage-1', checkpointId: 2 }],
      })
      expect(again).toMatchObject({ foreign: undefined, base: { checkpointId: 2 } })
    }
    const again = await find({ from: path, claim: true })
    await again.commit()
    expect(await again.claim!.release()).toBeUndefined()
    for (const from of [path, join(path, 'manifest.json')]) {
      expect(await find({ from, claim: true })).toMatchObject({
        start: { mode: 'resumed', lineage: crashed.start.lineage },
        newest: { checkpointId: 2 },
        claim: undefined,
      })
    }
    await expect(find({ from: `${path}-2`, claim: true })).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_NOT_FOUND',
    })
  })

  it('begins anew with --fresh, and moves what was there aside (R2, N23)', async () => {
    await begin([2])
    const start = await find({ fresh: true })
    expect(await start.commit()).toBe(join(directory.path, 'old/1'))
    expect(start.start).toMatchObject({ mode: 'fresh', lineage: { ancestry: [] } })
    expect(await readdir(join(directory.path, 'old/1'))).toEqual(['checkpoints', 'job.json'])
    expect(await start.storage.list()).toEqual([])
    expect((await find()).start.lineage.lineage).toBe(start.start.lineage.lineage)
  })

  it('begins anew with --fresh even where the record is damaged', async () => {
    await begin([2])
    await writeFile(join(directory.path, 'job.json'), '{')
    await expect(find()).rejects.toMatchObject({ code: 'MR_DIRECTORY_UNUSABLE' })
    await (await find({ fresh: true })).commit()
    expect((await find()).start.mode).toBe('resumed')
  })

  it('remembers commits and abandoned checkpoints (R34, R3)', async () => {
    const start = await begin([2])
    await start.markCommitted(2)
    await start.abandon([5, 4])
    await start.abandon([4, 3])
    const again = await find()
    expect(again.isCommitted(2)).toBe(true)
    expect(again.isCommitted(3)).toBe(false)
    expect(again.start.lineage.abandoned).toEqual([5, 4, 3])
    await again.commit()
    expect((await find()).isCommitted(2)).toBe(true)
  })

  it.each(['nowhere', 'nowhere/chk-1', 'plain', 'plain/chk-9', '.'])(
    'refuses --from %s',
    async (path) => {
      const base = await makeFolder()
      await mkdir(join(base, 'plain/chk-9'), { recursive: true })
      await expect(find({ from: join(base, path) })).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_NOT_FOUND',
      })
    },
  )

  it('refuses --from a checkpoint that lacks a file (R27)', async () => {
    const first = await begin([])
    const segment = { file: 'chk-2/a.seg', bytes: 5, entries: 1, range: { first: 0, last: 127 } }
    const [source, count] = manifestOf(planOf(), 2).subtasks
    await publish(first, 2, { subtasks: [source!, { ...count!, segments: [segment] }] })
    await expect(find({ from: join(first.checkpointDirectory, 'chk-2') })).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_CORRUPT',
      message: expect.stringContaining('chk-2/a.seg'),
    })
  })
})

describe('notes of a start', () => {
  const base = manifestOf(planOf(), 42, { sources: { 'job.ts': 'a', 'b.ts': 'b' } })
  const notes = async (options: Partial<Parameters<typeof startNotes>[0]>) => {
    const { start } = await find()
    return startNotes({
      start,
      from: undefined,
      base: { ...base, lineage: start.lineage.lineage },
      sources: base.sources,
      workingDirectory: '/work',
      ...options,
    })
  }

  it('has nothing to say when nothing changed', async () => expect(await notes({})).toEqual([]))

  it('names changed files on a resume, and the way out when the job has finished (N18, N23)', async () => {
    const sources = { 'job.ts': 'x', 'b.ts': 'b' }
    expect(await notes({ sources })).toEqual(['job.ts changed since checkpoint 42'])
    const final = { ...base, kind: 'final' as const }
    expect(await notes({ sources, base: final })).toContain(
      'job.ts changed since checkpoint 42; --fresh runs the changed job',
    )
  })

  it('says how long a snapshot is needed that another lineage owns (R27)', async () => {
    expect(await notes({ base })).toEqual([
      `checkpoint 42 of lineage ${base.lineage} is needed until the first checkpoint of this run`,
    ])
  })

  it('names a changed working directory (N22)', async () => {
    expect((await notes({ workingDirectory: '/else' }))[0]).toMatch(/was \/work, is now \/else/)
  })

  it('says that a repeated --from goes on with what it began (R2)', async () => {
    const first = await begin([2])
    const from = join(first.checkpointDirectory, 'chk-2')
    await begin([], { from })
    const { start } = await find({ from })
    expect((await notes({ start, from }))[0]).toBe(
      `goes on with lineage lineage-2, which --from ${from} began`,
    )
  })
})
