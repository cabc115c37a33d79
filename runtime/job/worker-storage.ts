import { isS3Url } from '../aws/s3-url.ts'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../checkpoint/file-storage.ts'
import { ObjectFiles } from '../checkpoint/object-files.ts'
import { ObjectStorage } from '../checkpoint/object-storage.ts'
import type { PublishedCheckpoints } from '../checkpoint/published-checkpoints.ts'
import { ReadAhead } from '../checkpoint/read-ahead.ts'
import { randomId, SystemRandom } from '../clock.ts'
import { invariant } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import { openS3Place } from './s3-places.ts'

/** The checkpoints of a lineage for a thread that writes and reads their segments; what is published is not its concern. */
export function openWorkerStorage(directory: string, epoch: number): CheckpointStorage {
  if (!isS3Url(directory)) return createFileStorage({ directory, fileSystem: nodeFileSystem })
  const writer = randomId(new SystemRandom())
  const place = openS3Place(directory)
  return new ObjectStorage({
    place,
    files: new ReadAhead(new ObjectFiles(place)),
    published: NOT_HERE,
    author: { epoch, writer },
  })
}

const notHere = (): Promise<never> => {
  invariant(false, 'only the main thread publishes checkpoints')
}

const NOT_HERE: PublishedCheckpoints = { list: notHere, add: notHere, keep: notHere }
