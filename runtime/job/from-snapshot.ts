import { basename, dirname } from 'node:path'
import { checkpointIdOf, MANIFEST } from '../checkpoint/file-names.ts'
import { validateManifestFiles } from '../checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { INCOMPLETE } from '../checkpoint/savepoint-target.ts'
import { StreamError } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import type { LineagePoint } from '../sink.ts'
import { resolvePlace } from './place-names.ts'
import { placesOf } from './snapshot-places.ts'

/**
 * A snapshot that a lineage begins from: its manifest, and the folder that the names in it are relative to, which is the
 * savepoint's own, or that of the lineage that a checkpoint is part of.
 */
export interface Snapshot {
  readonly manifest: CheckpointManifest
  readonly directory: string
}

/**
 * Reads the snapshot that `--from` names: the folder of a savepoint or of a checkpoint, or the manifest in it, in a folder or in S3.
 *
 * A checkpoint must be among the folders of its lineage, since it names files of earlier ones; a savepoint stands alone.
 * Fails with `MR_CHECKPOINT_NOT_FOUND`, `MR_CHECKPOINT_CORRUPT` or `MR_CHECKPOINT_VERSION`.
 */
export async function readSnapshot(path: string, fileSystem: FileSystem): Promise<Snapshot> {
  const folder = snapshotFolder(path)
  const places = placesOf(folder, fileSystem)
  const names = await places.names(folder)
  if (!names.includes(MANIFEST)) throw notFound(path, whatIsThere(folder, names))
  const manifest = await places.readManifest(folder)
  if (manifest.kind === 'savepoint') {
    await validateManifestFiles(places.files(folder), manifest)
    return { manifest, directory: folder }
  }
  const checkpointId = checkpointIdOf(basename(folder))
  if (checkpointId === undefined) {
    throw notFound(path, 'its folder has another name than that of a checkpoint (chk-<id>)')
  }
  return readCheckpoint(dirname(folder), checkpointId, { path, fileSystem })
}

/** The folder that a path of a snapshot means. */
export function snapshotFolder(path: string): string {
  const given = resolvePlace(path)
  return basename(given) === MANIFEST ? dirname(given) : given
}

/** Reads a snapshot again that a lineage began from, at the place where it was then. */
export async function readOrigin(
  { point, directory }: { readonly point: LineagePoint; readonly directory: string },
  fileSystem: FileSystem,
): Promise<Snapshot> {
  // That of a savepoint has the manifest in it, that of a lineage has it further down.
  if (!(await placesOf(directory, fileSystem).hasManifest(directory))) {
    return readCheckpoint(directory, point.checkpointId, { path: directory, fileSystem })
  }
  const snapshot = await readSnapshot(directory, fileSystem)
  const { lineage, checkpointId } = snapshot.manifest
  if (lineage === point.lineage && checkpointId === point.checkpointId) return snapshot
  throw notFound(
    directory,
    `it is now that of checkpoint ${checkpointId} of lineage ${lineage}, the job began from ${point.checkpointId} of ${point.lineage}`,
  )
}

async function readCheckpoint(
  directory: string,
  checkpointId: number,
  { path, fileSystem }: { readonly path: string; readonly fileSystem: FileSystem },
): Promise<Snapshot> {
  const storage = placesOf(directory, fileSystem).lineage(directory)
  if (!(await storage.list()).includes(checkpointId)) {
    throw notFound(path, `${directory} has no manifest of checkpoint ${checkpointId}`)
  }
  const manifest = await storage.readManifest(checkpointId)
  await validateManifestFiles(storage, manifest)
  return { manifest, directory }
}

function whatIsThere(folder: string, names: readonly string[]): string {
  if (names.length === 0) return `there is no ${MANIFEST} in ${folder}, nor anything else`
  const isUnfinished = names.includes(INCOMPLETE)
  return isUnfinished
    ? 'it is a savepoint that was not finished'
    : `there is no ${MANIFEST} in ${folder}`
}

function notFound(path: string, what: string): StreamError {
  return new StreamError(
    'MR_CHECKPOINT_NOT_FOUND',
    `${resolvePlace(path)} is not a checkpoint or savepoint: ${what}; the job cannot start from it; give the path of its folder or of the manifest in it, as a run tells it.`,
    { path },
  )
}
