import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import type { SnapshotFiles } from '../../../runtime/checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { FolderFiles } from '../../../runtime/checkpoint/folder-files.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { mergeSegments } from '../../../runtime/checkpoint/merge.ts'
import { copySavepoint } from '../../../runtime/checkpoint/savepoint-copy.ts'
import { SavepointTarget } from '../../../runtime/checkpoint/savepoint-target.ts'
import { openSegment } from '../../../runtime/checkpoint/segment-reader.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import type { FileSystem } from '../../../runtime/file-system.ts'
import { readSnapshot, type Snapshot } from '../../../runtime/job/from-snapshot.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { clear, manifestOf, partOf, put, remove, show } from '../../harness/checkpoint-fixtures.ts'

export const LINEAGE = '/jobs/fraud/checkpoints/one'

/** What the checkpoint holds, after deletions and what came later. */
export const CONTENT: readonly string[] = [
  'put 1:a=1',
  'put 1:c=new',
  'put 9:after=2',
  'put 20:b=other',
]

/** Checkpoint 3 of lineage `one`, whose chains lie in the folders of three checkpoints, some files under one name. */
export async function takeCheckpoint(fileSystem: FileSystem): Promise<CheckpointManifest> {
  const storage = createFileStorage({ directory: LINEAGE, fileSystem })
  for (let id = 0; id < 3; id++) await storage.reserveId(id)
  const write = (id: number, entries: Parameters<typeof writeSegment>[3]) =>
    writeSegment(storage, id, 'counts-0', entries).then((segment) => segment!)
  const first = [
    await write(1, [put(1, 'a', '1'), put(1, 'b', '1'), put(1, 'c', 'old'), put(9, 'before', '1')]),
    await write(2, [remove(1, 'b'), put(1, 'c', 'new'), clear(9, '')]),
    await write(3, [put(9, 'after', '2')]),
  ]
  const second = await write(3, [put(20, 'b', 'other')])
  const manifest = manifestOf(3, {
    lineage: 'one',
    ancestry: [],
    subtasks: [partOf(0, first), partOf(1, [second]), partOf(0, [], 'sums')],
  })
  await storage.publish(manifest)
  return manifest
}

/** Makes a savepoint of a checkpoint in that folder. */
export async function takeSavepoint(
  fileSystem: FileSystem,
  manifest: CheckpointManifest,
  path: string,
): Promise<void> {
  const target = await SavepointTarget.open(path, fileSystem)
  const storage = createFileStorage({ directory: LINEAGE, fileSystem })
  const copy = await copySavepoint({
    merger: new LocalMerger(storage, new ManualClock()),
    manifest,
    target,
    signal: new AbortController().signal,
    onProgress: () => {},
  })
  await target.publish(copy)
}

/** All entries of a snapshot, in order. */
export async function contentOf(
  { manifest, directory }: Snapshot,
  fileSystem: FileSystem,
): Promise<string[]> {
  return contentIn(manifest, new FolderFiles(directory, fileSystem))
}

/** The same, from files that are elsewhere. */
export async function contentIn(
  manifest: CheckpointManifest,
  files: SnapshotFiles,
): Promise<string[]> {
  const lines: string[] = []
  for (const { segments } of manifest.subtasks) {
    const readers = await Promise.all(segments.map((segment) => openSegment(files, segment)))
    const range = { first: 0, last: 127 }
    for await (const batch of mergeSegments(readers, range, { dropTombstones: true })) {
      lines.push(...batch.map(show))
    }
  }
  return lines
}

/** What `--from` finds there; undefined where there is no snapshot. */
export async function contentAt(
  path: string,
  fileSystem: FileSystem,
): Promise<string[] | undefined> {
  try {
    return await contentOf(await readSnapshot(path, fileSystem), fileSystem)
  } catch (error) {
    if ((error as { code?: string }).code === 'MR_CHECKPOINT_NOT_FOUND') return undefined
    throw error
  }
}
