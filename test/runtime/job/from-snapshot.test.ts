import { beforeEach, describe, expect, it } from 'vitest'
import { encodeManifest } from '../../../runtime/checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { readOrigin, readSnapshot } from '../../../runtime/job/from-snapshot.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import { CONTENT, contentAt, LINEAGE, takeCheckpoint, takeSavepoint } from './snapshot-kit.ts'

const SAVEPOINT = '/backup/one'
let files: FaultFileSystem
let manifest: CheckpointManifest

beforeEach(async () => {
  files = new FaultFileSystem([LINEAGE, '/backup'])
  manifest = await takeCheckpoint(files)
  await takeSavepoint(files, manifest, SAVEPOINT)
})

/** Writes another manifest to a place. */
function replace(path: string, changes: Partial<CheckpointManifest>): void {
  files.overwrite(`${path}/manifest.json`, encodeManifest({ ...manifest, ...changes }))
}

describe('what --from names', () => {
  it('is a savepoint whatever its folder is called, and a checkpoint by its folder (R2)', async () => {
    await files.rename(SAVEPOINT, '/backup/chk-99')
    expect(await contentAt('/backup/chk-99', files)).toEqual(CONTENT)
    expect(await contentAt(`${LINEAGE}/chk-3`, files)).toEqual(CONTENT)
    await files.rename(`${LINEAGE}/chk-3`, `${LINEAGE}/three`)
    await expect(readSnapshot(`${LINEAGE}/three`, files)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_NOT_FOUND',
      message: expect.stringContaining('another name than that of a checkpoint') as string,
    })
  })

  it('is refused where a file of the savepoint is missing or too short (R27)', async () => {
    files.overwrite(`${SAVEPOINT}/counts-1.seg`, new Uint8Array(10))
    const damaged = {
      code: 'MR_CHECKPOINT_CORRUPT',
      message: expect.stringContaining('counts-1.seg') as string,
    }
    await expect(readSnapshot(SAVEPOINT, files)).rejects.toMatchObject(damaged)
    await files.unlink(`${SAVEPOINT}/counts-1.seg`)
    await expect(readSnapshot(SAVEPOINT, files)).rejects.toMatchObject(damaged)
  })

  it('is refused where it was written by a later version, or is torn', async () => {
    replace(SAVEPOINT, { version: 99 })
    await expect(readSnapshot(SAVEPOINT, files)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_VERSION',
    })
    files.overwrite(`${SAVEPOINT}/manifest.json`, Buffer.from('{"format":"millrace-'))
    await expect(readSnapshot(SAVEPOINT, files)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_CORRUPT',
    })
  })

  it('leads nowhere outside of the folder of the savepoint (N25)', async () => {
    const [part] = manifest.subtasks
    for (const file of ['../../jobs/x.seg', '/etc/passwd', 'other', 'other/counts-0.seg']) {
      const segments = [{ ...part!.segments[0]!, file }]
      replace(SAVEPOINT, { kind: 'savepoint', subtasks: [{ ...part!, segments }] })
      await expect(readSnapshot(SAVEPOINT, files)).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_CORRUPT',
      })
    }
  })

  it.each(['/nowhere', '/backup', '/backup/one/counts-0.seg'])(
    'is no snapshot: %s',
    async (path) => {
      await expect(readSnapshot(path, files)).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_NOT_FOUND',
      })
    },
  )
})

describe('the snapshot that a lineage began from', () => {
  const point = { lineage: 'one', checkpointId: 3 }

  it('is read again where it was (R2)', async () => {
    for (const directory of [SAVEPOINT, LINEAGE]) {
      const snapshot = await readOrigin({ point, directory }, files)
      expect(snapshot).toMatchObject({ directory, manifest: { checkpointId: 3, lineage: 'one' } })
    }
  })

  it('is not another one that has come to be there', async () => {
    const { subtasks } = (await readSnapshot(SAVEPOINT, files)).manifest
    replace(SAVEPOINT, { kind: 'savepoint', subtasks, lineage: 'two' })
    await expect(readOrigin({ point, directory: SAVEPOINT }, files)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_NOT_FOUND',
      message: expect.stringContaining('it is now that of checkpoint 3 of lineage two') as string,
    })
  })
})
