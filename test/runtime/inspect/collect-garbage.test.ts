import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../cli/command.ts'
import { collectGarbage } from '../../../runtime/inspect/collect-garbage.ts'
import type { JobStart } from '../../../runtime/job/job-start.ts'
import { partOf, writeFile as writeSegmentFile } from '../../harness/checkpoint-fixtures.ts'
import { FakeHost } from '../../cli/fake-host.ts'
import { temporaryFolders } from '../job/temporary-folder.ts'
import { JobFolder, publish } from './job-folder.ts'

const makeFolder = temporaryFolders()
let job: JobFolder
let start: JobStart
let isOpen: boolean

/** Two checkpoints, the second of which needs a file of the first; leftovers of a crash in and behind them. */
beforeEach(async () => {
  job = await JobFolder.create(await makeFolder())
  isOpen = true
  start = await job.start()
  const first = await publish(start, 1)
  await publish(start, 2)
  const last = await publish(start, 4)
  await start.storage.retain([last], [])
  const shared = await writeSegmentFile(start.storage, 4, 'shared')
  await start.storage.reserveId(4)
  const own = await writeSegmentFile(start.storage, 5, 'own')
  await start.storage.publish({
    ...first,
    checkpointId: 5,
    subtasks: [partOf(0, [shared, own])],
  })
  await leave('chk-4/fold-0-2.seg')
  await leave('chk-5/op-0-1.seg')
  await start.storage.reserveId(5)
  await leave('chk-6/op-0.seg')
  await leave('chk-6/manifest.json.tmp')
  await start.storage.reserveId(6)
  await leave('chk-7/op-0.seg')
  await mkdir(join(job.directory.path, 'work/1/0'), { recursive: true })
  await writeFile(join(job.directory.path, 'work/1/0/000003.log'), 'level')
  return close
})

const LEFT = [
  'chk-4/fold-0-2.seg',
  'chk-5/op-0-1.seg',
  'chk-6/manifest.json.tmp',
  'chk-6/op-0.seg',
  'chk-7/op-0.seg',
]

function leave(name: string): Promise<void> {
  return writeFile(join(start.checkpointDirectory, name), 'left over')
}

async function close(): Promise<void> {
  if (isOpen) await job.directory.close()
  isOpen = false
}

/** All but those of the lock: LevelDB rotates its log where it is refused. */
async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .filter((name) => !name.includes('/lock/'))
    .sort()
}

const shown = (files: readonly { path: string }[]): string[] =>
  files.map(({ path }) => path.slice(start.checkpointDirectory.length + 1))

describe('collecting garbage', () => {
  it('removes what no checkpoint names with the lock held, and nothing else (R29, R1)', async () => {
    // Closing removes working state; after a crash it is there.
    await close()
    await mkdir(join(job.directory.path, 'work/1'), { recursive: true })
    await writeFile(join(job.directory.path, 'work/1/000003.log'), 'level')
    const before = await filesIn(start.checkpointDirectory)
    const garbage = await collectGarbage(job.directory.path, { dryRun: false })
    expect(garbage).toMatchObject({ isRunning: false, isRemoved: true, skipped: [] })
    expect(shown(garbage.files.slice(0, -1))).toEqual(LEFT)
    expect(garbage.files.at(-1)).toEqual({
      path: join(job.directory.path, 'work/1/000003.log'),
      bytes: 5,
    })
    const left = LEFT.map((name) => join(start.checkpointDirectory, name))
    const after = await filesIn(start.checkpointDirectory)
    expect(after).toEqual(before.filter((name) => !left.includes(name)))
    expect(after.map((name) => name.slice(start.checkpointDirectory.length + 1))).toEqual([
      'chk-4/counts.seg',
      'chk-4/manifest.json',
      'chk-4/shared.seg',
      'chk-5/manifest.json',
      'chk-5/own.seg',
    ])
    // The highest id stays taken, by its folder.
    expect((await readdir(start.checkpointDirectory)).sort()).toEqual(['chk-4', 'chk-5', 'chk-7'])
    expect(await readdir(job.directory.path)).not.toContain('work')
    expect((await collectGarbage(job.directory.path, { dryRun: false })).files).toEqual([])
  })

  it('only tells with dryRun', async () => {
    await close()
    const before = await filesIn(job.directory.path)
    const garbage = await collectGarbage(job.directory.path, { dryRun: true })
    expect(garbage).toMatchObject({ isRunning: false, isRemoved: false })
    expect(shown(garbage.files)).toEqual(LEFT)
    expect(await filesIn(job.directory.path)).toEqual(before)
  })

  it('removes nothing beside a run, and leaves out what that may be writing (R4, R29)', async () => {
    const before = await filesIn(job.directory.path)
    const garbage = await collectGarbage(job.directory.path, { dryRun: false })
    expect(garbage).toMatchObject({ isRunning: true, isRemoved: false })
    expect(shown(garbage.files)).toEqual(['chk-4/fold-0-2.seg', 'chk-5/op-0-1.seg'])
    expect(await filesIn(job.directory.path)).toEqual(before)
  })

  it('leaves a lineage alone in which a manifest is damaged: what that needs is not known', async () => {
    await close()
    await writeFile(join(start.checkpointDirectory, 'chk-5/manifest.json'), 'torn')
    const garbage = await collectGarbage(job.directory.path, { dryRun: false })
    expect(garbage.files).toEqual([])
    expect(garbage.skipped).toMatchObject([expect.stringContaining('lineage-1: Manifest')])
    expect(await readdir(join(start.checkpointDirectory, 'chk-6'))).toHaveLength(2)
  })

  it('takes a job’s folder only', async () => {
    const lineage = collectGarbage(start.checkpointDirectory, { dryRun: true })
    await expect(lineage).rejects.toMatchObject({ code: 'MR_CHECKPOINT_NOT_FOUND' })
    const checkpoint = collectGarbage(join(start.checkpointDirectory, 'chk-5'), { dryRun: true })
    await expect(checkpoint).rejects.toMatchObject({ code: 'MR_CHECKPOINT_NOT_FOUND' })
  })
})

describe('millrace checkpoints gc', () => {
  it('shows files and bytes, and says so beside a run', async () => {
    const beside = new FakeHost()
    expect(await runCommand(['checkpoints', 'gc', job.directory.path], beside)).toBe(0)
    expect(beside.stdout.text).toContain('2 files, 18 B that no checkpoint needs')
    expect(beside.stdout.text).toContain('the job is running: nothing was removed')
    await close()
    const dry = new FakeHost()
    await runCommand(['checkpoints', 'gc', job.directory.path, '--dry-run'], dry)
    expect(dry.stdout.text).toContain('5 files, 45 B that no checkpoint needs')
    const alone = new FakeHost()
    await runCommand(['checkpoints', 'gc', job.directory.path, '--json'], alone)
    expect(JSON.parse(alone.stdout.text)).toMatchObject({ isRemoved: true })
    const again = new FakeHost()
    await runCommand(['checkpoints', 'gc', job.directory.path], again)
    expect(again.stdout.text).toBe('there is nothing that no checkpoint needs\n')
    await rm(job.directory.path, { recursive: true })
    const none = new FakeHost()
    expect(await runCommand(['checkpoints', 'gc', job.directory.path], none)).toBe(2)
  })
})
