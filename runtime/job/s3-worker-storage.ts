import type { CheckpointStorage, SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import { ObjectFiles } from '../checkpoint/object-files.ts'
import { ObjectStorage } from '../checkpoint/object-storage.ts'
import type { PublishedCheckpoints } from '../checkpoint/published-checkpoints.ts'
import { ReadAhead } from '../checkpoint/read-ahead.ts'
import { randomId, SystemRandom } from '../clock.ts'
import { invariant } from '../errors.ts'
import { openS3Place } from './s3-places.ts'

/** The checkpoints of a lineage in S3 for a thread that writes and reads their segments. */
export function openS3WorkerStorage(directory: string, epoch: number): CheckpointStorage {
  return new ObjectStorage({
    place: openS3Place(directory),
    files: s3FilesAt(directory),
    published: NOT_HERE,
    author: { epoch, writer: randomId(new SystemRandom()) },
  })
}

/** The files of a snapshot in S3, which are read front to back for the most part. */
export function s3FilesAt(directory: string): SnapshotFiles {
  return new ReadAhead(new ObjectFiles(openS3Place(directory)))
}

const notHere = (): Promise<never> => {
  invariant(false, 'only the main thread publishes checkpoints')
}

const NOT_HERE: PublishedCheckpoints = {
  list: notHere,
  check: notHere,
  add: notHere,
  keep: notHere,
}
