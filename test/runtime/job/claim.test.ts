import { beforeEach, describe, expect, it } from 'vitest'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { Claim } from '../../../runtime/job/claim.ts'
import { FolderClaim } from '../../../runtime/job/claim-target.ts'
import { readSnapshot } from '../../../runtime/job/from-snapshot.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import {
  CONTENT,
  contentAt,
  contentOf,
  LINEAGE,
  takeCheckpoint,
  takeSavepoint,
} from './snapshot-kit.ts'

const SAVEPOINT = '/backup/one'
const CHECKPOINT = `${LINEAGE}/chk-3`
const NEW = '/jobs/fraud/checkpoints/two'

let files: FaultFileSystem

async function setUp(): Promise<void> {
  files = new FaultFileSystem([LINEAGE, NEW, '/backup'])
  await takeSavepoint(files, await takeCheckpoint(files), SAVEPOINT)
}

beforeEach(setUp)

async function claimOf(path: string): Promise<Claim> {
  const snapshot = await readSnapshot(path, files)
  const ancestry = [{ lineage: 'one', checkpointId: 3 }]
  const target = new FolderClaim(NEW, files)
  const place = { directory: NEW, target, fileSystem: files, failpoint: () => {} }
  return new Claim({ snapshot, lineage: 'two', ancestry, ...place })
}

/** As a start does; repeated after a crash. */
async function takeOver(path: string): Promise<void> {
  const claim = await claimOf(path)
  await claim.take()
  expect(await claim.release()).toBeUndefined()
}

const storage = () => createFileStorage({ directory: NEW, fileSystem: files })

describe('a snapshot that is taken over', () => {
  it.each([SAVEPOINT, CHECKPOINT])(
    'becomes the first checkpoint of the lineage: %s (R2, R28)',
    async (path) => {
      const claim = await claimOf(path)
      await claim.take()
      expect(await storage().list()).toEqual([3])
      const manifest = await storage().readManifest(3)
      expect(manifest).toEqual(claim.manifest)
      expect(manifest).toMatchObject({
        kind: 'checkpoint',
        lineage: 'two',
        ancestry: [{ lineage: 'one', checkpointId: 3 }],
      })
      expect(await contentOf({ manifest, directory: NEW }, files)).toEqual(CONTENT)
      expect(await storage().reserveId(3)).toBe(4)
    },
  )

  it('is gone afterwards if it is a savepoint; a checkpoint stays with its lineage', async () => {
    await takeOver(CHECKPOINT)
    expect(await contentAt(CHECKPOINT, files)).toEqual(CONTENT)
    await setUp()
    await takeOver(SAVEPOINT)
    expect(await files.size(SAVEPOINT)).toBeUndefined()
    expect(await contentAt(`${NEW}/chk-3`, files)).toEqual(CONTENT)
  })

  it.each(['EXDEV', 'EPERM'])(
    'is copied where files cannot have a second name (%s)',
    async (code) => {
      files.faults = {
        fails: ({ kind, path }) =>
          kind === 'link' && !path.includes('manifest') ? code : undefined,
      }
      await takeOver(SAVEPOINT)
      expect(await files.size(SAVEPOINT)).toBeUndefined()
      expect(await contentAt(`${NEW}/chk-3`, files)).toEqual(CONTENT)
    },
  )

  it('is whole in the old place or in the new one, wherever the power goes, and the next run goes on (R26)', async () => {
    const before = files.operations.length
    await takeOver(SAVEPOINT)
    const steps = files.operations.length - before
    for (let step = 0; step < steps; step++) {
      await setUp()
      files.faults = { stopAt: files.operations.length + step }
      await takeOver(SAVEPOINT).catch(() => {})
      files.powerCut()
      const isTaken = (await storage().list()).length === 1
      const place = isTaken ? `${NEW}/chk-3` : SAVEPOINT
      expect(await contentAt(place, files)).toEqual(CONTENT)
      if (!isTaken) await takeOver(SAVEPOINT)
      expect(await contentAt(`${NEW}/chk-3`, files)).toEqual(CONTENT)
    }
  })

  it('says what keeps a savepoint from being removed', async () => {
    const claim = await claimOf(SAVEPOINT)
    await claim.take()
    files.faults = { fails: ({ kind }) => (kind === 'unlink' ? 'EACCES' : undefined) }
    expect(await claim.release()).toContain('EACCES')
  })

  it('fails with a code where the disk is full, and can be repeated', async () => {
    files.faults = {
      fails: ({ kind, path }) => {
        if (kind === 'link') return 'EXDEV'
        return kind === 'write' && path.includes('two') ? 'ENOSPC' : undefined
      },
    }
    const claim = await claimOf(SAVEPOINT)
    await expect(claim.take()).rejects.toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
    files.faults = {}
    await claim.take()
    expect(await contentAt(`${NEW}/chk-3`, files)).toEqual(CONTENT)
  })
})
