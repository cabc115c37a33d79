import { isS3Url } from '../aws/s3-url.ts'
import { ObjectSavepoint } from '../checkpoint/object-savepoint.ts'
import type { OpenSavepoint } from '../checkpoint/open-savepoint.ts'
import { SavepointTarget } from '../checkpoint/savepoint-target.ts'
import { randomId, SystemRandom } from '../clock.ts'
import type { FileSystem } from '../file-system.ts'
import { openS3Place } from './s3-places.ts'

/** Takes a folder, or a place in S3, for a savepoint; `path` is as `resolvePlace` has it. */
export function openSavepoint(path: string, fileSystem: FileSystem): Promise<OpenSavepoint> {
  if (!isS3Url(path)) return SavepointTarget.open(path, fileSystem)
  return ObjectSavepoint.open(openS3Place(path), randomId(new SystemRandom()))
}
