import { beforeEach, describe, expect, it } from 'vitest'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { SavepointTarget } from '../../../runtime/checkpoint/savepoint-target.ts'
import { readSnapshot } from '../../../runtime/job/from-snapshot.ts'
import { type Faults, FaultFileSystem } from '../../harness/fault-file-system.ts'
import {
  CONTENT,
  contentAt,
  contentOf,
  LINEAGE,
  takeCheckpoint,
  takeSavepoint,
} from '../job/snapshot-kit.ts'

let files: FaultFileSystem
let manifest: CheckpointManifest

async function setUp(): Promise<void> {
  files = new FaultFileSystem([LINEAGE, '/backup'])
  manifest = await takeCheckpoint(files)
}

beforeEach(setUp)

describe('a savepoint', () => {
  it('holds what its checkpoint holds, in one file a subtask, with names relative to its folder (R24)', async () => {
    await takeSavepoint(files, manifest, '/backup/2024/one')
    const snapshot = await readSnapshot('/backup/2024/one', files)
    expect(await contentOf(snapshot, files)).toEqual(CONTENT)
    const { subtasks, ...rest } = snapshot.manifest
    expect(rest).toEqual({ ...rest, ...manifest, subtasks: undefined, kind: 'savepoint' })
    expect(subtasks.map((part) => part.segments.map(({ file }) => file))).toEqual([
      ['counts-0.seg'],
      ['counts-1.seg'],
      [],
    ])
    expect(files.files().filter((path) => path.startsWith('/backup'))).toEqual([
      '/backup/2024/one/counts-0.seg',
      '/backup/2024/one/counts-1.seg',
      '/backup/2024/one/manifest.json',
    ])
  })

  it('can be moved, and needs nothing else (R2)', async () => {
    await takeSavepoint(files, manifest, '/backup/one')
    await files.rename('/backup/one', '/elsewhere')
    for (const path of files.files()) if (path.startsWith(LINEAGE)) await files.unlink(path)
    for (const path of ['/elsewhere', '/elsewhere/', '/elsewhere/manifest.json']) {
      expect(await contentAt(path, files)).toEqual(CONTENT)
    }
  })

  it('exists as a whole or not at all, wherever the power goes (R26)', async () => {
    const before = files.operations.length
    await takeSavepoint(files, manifest, '/backup/2024/one')
    const steps = files.operations.length - before
    expect(steps).toBeGreaterThan(15)
    const found = new Set<boolean>()
    for (let step = 0; step <= steps; step++) {
      await setUp()
      files.faults = { stopAt: files.operations.length + step }
      const isTaken = await takeSavepoint(files, manifest, '/backup/2024/one').then(
        () => true,
        () => false,
      )
      files.powerCut()
      const content = await contentAt('/backup/2024/one', files)
      expect(content ?? CONTENT).toEqual(CONTENT)
      // What has been told to be there is there.
      if (isTaken) expect(content).toEqual(CONTENT)
      found.add(content !== undefined)
    }
    expect(found).toEqual(new Set([true, false]))
  })

  it.each([
    ['write', 'ENOSPC'],
    ['sync', 'EIO'],
    ['link', 'EIO'],
    ['create', 'EDQUOT'],
  ])('that cannot be written leaves nothing behind (%s: %s)', async (kind, code) => {
    let count = 0
    const faults: Faults = {
      fails: (one) =>
        one.kind === kind && ++count === (kind === 'link' ? 1 : 2) ? code : undefined,
    }
    const target = await SavepointTarget.open('/backup/2024/one', files)
    files.faults = faults
    const writing = async (): Promise<void> => {
      const writer = await target.create(3, 'counts-0')
      await writer.write(Buffer.from('a'))
      await writer.write(Buffer.from('b'))
      await writer.finish()
      await target.create(3, 'counts-1').then((second) => second.finish())
      await target.publish({ ...manifest, kind: 'savepoint' })
    }
    await expect(writing()).rejects.toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
    files.faults = {}
    await target.abandon()
    expect(files.files().filter((path) => path.startsWith('/backup'))).toEqual([])
    expect(await files.size('/backup/2024')).toBeUndefined()
    expect(await files.size('/backup')).toBeDefined()
  })
})

describe('the folder of a savepoint', () => {
  it('is refused where something is, and left as it is', async () => {
    await takeSavepoint(files, manifest, '/backup/one')
    await SavepointTarget.open('/backup/unfinished', files)
    const file = await files.create('/backup/file')
    await file.close()
    const before = files.files()
    for (const [path, what] of [
      ['/backup/one', 'there is a snapshot already'],
      ['/backup/unfinished', 'was begun by a process that was killed'],
      ['/backup/file', 'a file is in the way'],
      ['/backup/file/below', 'a file is in the way'],
      ['/backup', 'it is not empty'],
      [LINEAGE, 'it is not empty'],
    ]) {
      await expect(SavepointTarget.open(path!, files)).rejects.toMatchObject({
        code: 'MR_SAVEPOINT_TARGET',
        message: expect.stringContaining(what!) as string,
      })
    }
    expect(files.files()).toEqual(before)
  })

  it.each(['EACCES', 'EROFS', 'ENAMETOOLONG'])(
    'is refused where it cannot be made (%s)',
    async (code) => {
      files.faults = { fails: ({ kind }) => (kind === 'makeDirectory' ? code : undefined) }
      await expect(SavepointTarget.open('/backup/one', files)).rejects.toMatchObject({
        code: 'MR_SAVEPOINT_TARGET',
      })
    },
  )

  it('is not taken for a snapshot before it is complete', async () => {
    await SavepointTarget.open('/backup/one', files)
    await expect(readSnapshot('/backup/one', files)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_NOT_FOUND',
      message: expect.stringContaining('a savepoint that was not finished') as string,
    })
  })

  it('may be an empty one that is there, and stays when the savepoint fails', async () => {
    await files.makeDirectory('/backup/mine')
    const target = await SavepointTarget.open('/backup/mine', files)
    await target.abandon()
    expect(await files.size('/backup/mine')).toBeDefined()
    await takeSavepoint(files, manifest, '/backup/mine')
    expect(await contentAt('/backup/mine', files)).toEqual(CONTENT)
  })
})
