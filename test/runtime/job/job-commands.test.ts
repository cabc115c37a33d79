import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import type { JobEvent } from '../../../runtime/job/job-events.ts'
import { JobCommands } from '../../../runtime/job/job-commands.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { settle } from '../checkpoint/coordinator-kit.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import { LINEAGE, takeCheckpoint } from './snapshot-kit.ts'
import { temporaryFolders } from './temporary-folder.ts'

const makeFolder = temporaryFolders()
let folder: string
let manifest: CheckpointManifest
let commands: JobCommands
let stops: { readonly drain: boolean }[]
let events: JobEvent[]

beforeEach(async () => {
  folder = await makeFolder()
  const files = new FaultFileSystem([LINEAGE])
  manifest = await takeCheckpoint(files)
  stops = []
  events = []
  commands = new JobCommands({
    clock: new ManualClock(),
    failpoint: () => {},
    onEvent: (event) => events.push(event),
    merger: () =>
      new LocalMerger(
        createFileStorage({ directory: LINEAGE, fileSystem: files }),
        new ManualClock(),
      ),
    isStopping: () => stops.length > 0,
    stop: (how) => stops.push(how),
  })
})

afterEach(async () => {
  await commands.withdraw()
  await commands.close()
})

/** The checkpoint is complete that has been asked for. */
async function complete(): Promise<void> {
  const { queue } = commands.savepoints!
  while (queue.isEmpty) await settle()
  for (const { completed } of queue.takeAll()) completed(manifest)
}

/** Whether it has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const done = (): void => void (settled = true)
  promise.then(done, done)
  await settle()
  return settled
}

describe('a stop with a savepoint', () => {
  it('wants the savepoint before it stops, and is over when the directory is free (R14)', async () => {
    await commands.open({ path: folder, localPath: folder })
    const path = join(await makeFolder(), 'savepoint')
    const stopping = commands.stop({ savepoint: path, drain: true })
    while (!(await readdir(join(path, '..'))).includes('savepoint')) await settle()
    // There is nothing to take a checkpoint of yet.
    expect(await isSettled(stopping)).toBe(false)
    expect(stops).toEqual([])
    commands.running()
    while (stops.length === 0) await settle()
    expect(stops).toEqual([{ drain: true }])
    expect(commands.savepoints!.queue.isEmpty).toBe(false)
    await complete()
    await commands.savepoints!.settled()
    expect(events).toMatchObject([{ type: 'savepoint', checkpointId: 3 }])
    expect(await isSettled(stopping)).toBe(false)
    await commands.withdraw()
    expect(await isSettled(stopping)).toBe(false)
    await commands.close()
    expect(await stopping).toMatchObject({ checkpointId: 3 })
  })

  it('stops nothing where its folder cannot be used', async () => {
    await commands.open({ path: folder, localPath: folder })
    const stopping = commands.stop({ savepoint: join(folder, 'work') })
    await expect(stopping).rejects.toMatchObject({ code: 'MR_SAVEPOINT_TARGET' })
    expect(stops).toEqual([])
  })

  it('of a run that ends before it was running fails, and leaves its folder free', async () => {
    await commands.open({ path: folder, localPath: folder })
    const path = join(await makeFolder(), 'savepoint')
    const stopping = commands.stop({ savepoint: path })
    while (!(await readdir(join(path, '..'))).includes('savepoint')) await settle()
    const failed = expect(stopping).rejects.toMatchObject({ code: 'MR_SAVEPOINT_FAILED' })
    await commands.withdraw()
    await failed
    expect(await readdir(join(path, '..'))).toEqual([])
    expect(stops).toEqual([])
  })

  it('is refused while another is under way, also one that has begun meanwhile, and its folder is free', async () => {
    await commands.open({ path: folder, localPath: folder })
    const path = join(await makeFolder(), 'savepoint')
    const both = [commands.stop({ savepoint: path }), commands.stop({ savepoint: `${path}-2` })]
    commands.running()
    const late = commands.stop()
    const refused = { code: 'MR_JOB_STOPPING' }
    expect(stops).toHaveLength(1)
    const rejected = { status: 'rejected', reason: refused }
    expect(await Promise.allSettled(both)).toMatchObject([rejected, rejected])
    expect(await readdir(join(path, '..'))).toEqual([])
    await commands.close()
    expect(await late).toBeUndefined()
    await expect(commands.stop()).rejects.toMatchObject(refused)
  })
})

describe('a savepoint', () => {
  it('that is wanted before the run has its directory waits for it', async () => {
    const taking = commands.savepoint(undefined)
    await commands.open({ path: folder, localPath: folder })
    await complete()
    expect((await taking).path).toBe(join(folder, 'savepoints/3'))
  })

  it('of a run that ends before that fails', async () => {
    const taking = commands.savepoint(undefined)
    const failed = expect(taking).rejects.toMatchObject({ code: 'MR_SAVEPOINT_FAILED' })
    await commands.close()
    await failed
  })
})
