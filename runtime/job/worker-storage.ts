import { isS3Url } from '../aws/s3-url.ts'
import type { CheckpointStorage, SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../checkpoint/file-storage.ts'
import { FolderFiles } from '../checkpoint/folder-files.ts'
import { nodeFileSystem } from '../file-system.ts'

/** What a thread that runs a slot reads and writes of checkpoints. */
export interface WorkerStorage {
  /** Those of the job's own lineage; what of them is published is not its concern. */
  readonly storage: CheckpointStorage
  /** The files of another snapshot, which the job goes on from. */
  readonly openSnapshot: (directory: string) => SnapshotFiles
}

/** Opens it; what S3 takes is loaded only where something of it is there. */
export async function openWorkerStorage(options: {
  readonly directory: string
  readonly epoch: number
  readonly usesS3: boolean
}): Promise<WorkerStorage> {
  const { directory, usesS3 } = options
  const s3 = usesS3 ? await import('./s3-worker-storage.ts') : undefined
  return {
    storage: isS3Url(directory)
      ? s3!.openS3WorkerStorage(directory, options.epoch)
      : createFileStorage({ directory, fileSystem: nodeFileSystem }),
    openSnapshot: (place) =>
      isS3Url(place) ? s3!.s3FilesAt(place) : new FolderFiles(place, nodeFileSystem),
  }
}

/** The files of the checkpoints in a folder, or a place in S3, for a thread that only reads them. */
export async function openWorkerFiles(directory: string): Promise<SnapshotFiles> {
  if (!isS3Url(directory)) return new FolderFiles(directory, nodeFileSystem)
  const { s3FilesAt } = await import('./s3-worker-storage.ts')
  return s3FilesAt(directory)
}
