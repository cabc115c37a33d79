import { basename, dirname } from 'node:path'
import { checkpointFolder, checkpointIdOf } from '../checkpoint/file-names.ts'
import { validateManifestFiles } from '../checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { unreadable } from '../checkpoint/storage-errors.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import { currentLineage } from '../job/lineage.ts'
import { joinPlace, resolvePlace } from '../job/place-names.ts'
import { filesAt, placesOf } from '../job/snapshot-places.ts'
import { HeldFiles } from './held-files.ts'
import { locate } from './locate.ts'

/** A snapshot that is open for reading. */
export interface FoundSnapshot {
  readonly manifest: CheckpointManifest
  readonly files: HeldFiles
  /** The folder with its manifest, absolute, or `s3://…`. */
  readonly path: string
}

/** How often it is looked again, where what was found is removed before it is open. */
const TRIES = 5

/**
 * Opens the snapshot that a path means: that one, or the newest of a lineage or job that can be used, as a run would choose it
 * (R1, R3). All its files are there and open when it returns, so a running job that retires it does no harm.
 *
 * `MR_CHECKPOINT_NOT_FOUND` where there is none, `MR_CHECKPOINT_CORRUPT` and `MR_CHECKPOINT_VERSION` where it cannot be read.
 */
export async function findSnapshot(path: string): Promise<FoundSnapshot> {
  let candidates = await candidatesAt(path)
  for (let attempt = 1; ; attempt++) {
    let failure: StreamError | undefined
    for (const candidate of candidates) {
      const found = await tryOpen(candidate)
      if ('manifest' in found) return found
      failure ??= found.failure
    }
    const before = candidates
    candidates = await candidatesAt(path)
    // A running job retires the oldest ones: if all are gone there are newer ones.
    if (attempt < TRIES && candidates[0] !== before[0]) continue
    throw failure ?? noneThere(path)
  }
}

/** The folders that a path may mean, the first choice first. */
async function candidatesAt(path: string): Promise<string[]> {
  const location = await locate(path)
  const { directory } = location
  if (location.kind === 'snapshot') return [directory]
  if (location.kind === 'lineage') return checkpointsIn(directory, [])
  if (location.record === undefined) return []
  const { lineage, abandoned, origin } = currentLineage(location.record)
  const own = await checkpointsIn(joinPlace(directory, 'checkpoints', lineage), abandoned)
  if (own.length > 0 || origin === undefined) return own
  // It has none of its own yet: a run goes on from what it began from.
  const places = placesOf(origin.directory, nodeFileSystem)
  const isSavepoint = await places.hasManifest(origin.directory)
  return isSavepoint
    ? [origin.directory]
    : [joinPlace(origin.directory, checkpointFolder(origin.point.checkpointId))]
}

/** The newest first. */
async function checkpointsIn(directory: string, abandoned: readonly number[]): Promise<string[]> {
  const ids = await placesOf(directory, nodeFileSystem).lineage(directory).list()
  return ids
    .filter((id) => !abandoned.includes(id))
    .map((id) => joinPlace(directory, checkpointFolder(id)))
    .toReversed()
}

async function tryOpen(path: string): Promise<FoundSnapshot | { readonly failure: StreamError }> {
  let held: HeldFiles | undefined
  try {
    const { manifest, directory } = await readSnapshotManifest(path)
    const files = filesAt(directory, nodeFileSystem)
    held = await HeldFiles.open(manifest, files, directory)
    await validateManifestFiles(held, manifest)
    return { manifest, files: held, path }
  } catch (error) {
    await held?.close()
    if (error instanceof StreamError) return { failure: error }
    throw error
  }
}

/** The manifest in the folder of a snapshot, and the folder that the names in it are relative to. */
export async function readSnapshotManifest(
  path: string,
): Promise<{ readonly manifest: CheckpointManifest; readonly directory: string }> {
  const manifest = await placesOf(path, nodeFileSystem).readManifest(path)
  if (manifest.kind === 'savepoint') return { manifest, directory: path }
  const { checkpointId } = manifest
  if (checkpointIdOf(basename(path)) !== checkpointId) {
    throw unreadable(
      path,
      `is that of checkpoint ${checkpointId} of a lineage, away from its place`,
    )
  }
  return { manifest, directory: dirname(path) }
}

function noneThere(path: string): StreamError {
  return new StreamError(
    'MR_CHECKPOINT_NOT_FOUND',
    `${resolvePlace(path)} has no checkpoint yet; there is no state to read; let the job run until it has taken one, or give another path.`,
    { path },
  )
}
