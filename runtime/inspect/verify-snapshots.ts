import type { SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import { checkpointFolder } from '../checkpoint/file-names.ts'
import type { CheckpointManifest, SegmentReference } from '../checkpoint/manifest.ts'
import { openSegment } from '../checkpoint/segment-reader.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import { joinPlace } from '../job/place-names.ts'
import { filesAt, placesOf } from '../job/snapshot-places.ts'
import { readSnapshotManifest } from './find-snapshot.ts'
import { locate, savepointsIn } from './locate.ts'

/** What verifying one snapshot came to. */
export interface VerifiedSnapshot {
  /** The folder with its manifest, absolute, or `s3://…`. */
  readonly path: string
  readonly checkpointId: number | undefined
  /** Files that were read whole, and their bytes; those that several snapshots need are read once. */
  readonly files: number
  readonly bytes: number
  /** What is wrong, each with file and place; empty if every checksum is right. */
  readonly damages: readonly string[]
  /** A running job removed it meanwhile. */
  readonly isGone: boolean
}

/**
 * Reads every byte of the snapshots at a path (one, all of a lineage, or all of a job) and checks each checksum: that of the
 * manifest, and those of blocks, index and footer of each file. Goes on behind damage, and names all of it.
 *
 * Fails as `locate` does; damage is no failure.
 */
export async function* verifySnapshots(path: string): AsyncGenerator<VerifiedSnapshot> {
  const verified = new Map<string, readonly string[]>()
  for (const folder of await foldersAt(path)) yield await verifyOne(folder, verified)
}

/** The folders of all snapshots at a path, lineage by lineage, ascending. */
async function foldersAt(path: string): Promise<string[]> {
  const { kind, directory } = await locate(path)
  if (kind === 'snapshot') return [directory]
  if (kind === 'lineage') return checkpointsIn(directory)
  const folders: string[] = []
  const checkpoints = joinPlace(directory, 'checkpoints')
  for (const lineage of await placesOf(checkpoints, nodeFileSystem).names(checkpoints)) {
    folders.push(...(await checkpointsIn(joinPlace(checkpoints, lineage))))
  }
  return [...folders, ...(await savepointsIn(directory))]
}

async function checkpointsIn(directory: string): Promise<string[]> {
  const ids = await placesOf(directory, nodeFileSystem).lineage(directory).list()
  return ids.map((id) => joinPlace(directory, checkpointFolder(id)))
}

async function verifyOne(
  path: string,
  verified: Map<string, readonly string[]>,
): Promise<VerifiedSnapshot> {
  const damages: string[] = []
  let read: { readonly manifest: CheckpointManifest; readonly directory: string }
  try {
    read = await readSnapshotManifest(path)
  } catch (error) {
    const isGone = await hasGone(path)
    const found = isGone ? [] : [damageText(error)]
    return { path, checkpointId: undefined, files: 0, bytes: 0, damages: found, isGone }
  }
  const { manifest, directory } = read
  const files = filesAt(directory, nodeFileSystem)
  let fileCount = 0
  let bytes = 0
  for (const segment of segmentsIn(manifest)) {
    const name = joinPlace(directory, segment.file)
    if (!verified.has(name)) {
      verified.set(name, await verifySegment(files, segment))
      fileCount++
      bytes += segment.bytes
    }
    damages.push(...verified.get(name)!)
  }
  const { checkpointId } = manifest
  const isGone = damages.length > 0 && (await hasGone(path))
  return { path, checkpointId, files: fileCount, bytes, damages: isGone ? [] : damages, isGone }
}

/** Each file that a manifest names, once. */
function segmentsIn(manifest: CheckpointManifest): SegmentReference[] {
  const segments = manifest.subtasks.flatMap((part) => part.segments)
  return [...new Map(segments.map((segment) => [segment.file, segment])).values()]
}

async function verifySegment(files: SnapshotFiles, segment: SegmentReference): Promise<string[]> {
  const damages: string[] = []
  try {
    const reader = await openSegment(files, segment)
    for await (const damage of reader.damages()) damages.push(damageText(damage))
  } catch (error) {
    damages.push(damageText(error))
  }
  return damages
}

async function hasGone(path: string): Promise<boolean> {
  return !(await placesOf(path, nodeFileSystem).hasManifest(path))
}

/** What is wrong, without what it prevents: that is told once. Other failures are not damage. */
function damageText(error: unknown): string {
  if (!(error instanceof StreamError)) throw error
  if (error.code !== 'MR_CHECKPOINT_CORRUPT' && error.code !== 'MR_CHECKPOINT_VERSION') throw error
  return error.message.split('; ')[0]!
}
