import { basename, dirname, resolve } from 'node:path'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { checkpointIdOf } from '../checkpoint/file-names.ts'
import { validateManifestFiles } from '../checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'

/** A snapshot that a lineage begins from: its manifest, and the folder of the lineage that it is part of. */
export interface Snapshot {
  readonly manifest: CheckpointManifest
  readonly directory: string
}

type OpenStorage = (directory: string) => CheckpointStorage

/**
 * Reads the snapshot that `--from` names: the folder of a checkpoint, or the manifest in it, anywhere.
 *
 * It must be among the folders of its lineage, since an incremental checkpoint names files of earlier ones. Fails with
 * `MR_CHECKPOINT_NOT_FOUND`, `MR_CHECKPOINT_CORRUPT` or `MR_CHECKPOINT_VERSION`.
 */
export async function readSnapshot(path: string, openStorage: OpenStorage): Promise<Snapshot> {
  const folder = [resolve(path), dirname(resolve(path))].find(
    (one) => checkpointIdOf(basename(one)) !== undefined,
  )
  if (folder === undefined) {
    throw notFound(path, 'neither it nor the folder it is in is one of a checkpoint (chk-<id>)')
  }
  return readPoint(dirname(folder), checkpointIdOf(basename(folder))!, path, openStorage)
}

/** Reads a snapshot again that a lineage began from, at the place where it was then. */
export async function readPoint(
  directory: string,
  checkpointId: number,
  path: string,
  openStorage: OpenStorage,
): Promise<Snapshot> {
  const storage = openStorage(directory)
  if (!(await storage.list()).includes(checkpointId)) {
    throw notFound(path, `${directory} has no manifest of checkpoint ${checkpointId}`)
  }
  const manifest = await storage.readManifest(checkpointId)
  await validateManifestFiles(storage, manifest)
  return { manifest, directory }
}

function notFound(path: string, what: string): StreamError {
  return new StreamError(
    'MR_CHECKPOINT_NOT_FOUND',
    `${resolve(path)} is not a checkpoint: ${what}; the job cannot start from it; give the path of a checkpoint's folder or of the manifest in it, as a run tells it.`,
    { path },
  )
}
