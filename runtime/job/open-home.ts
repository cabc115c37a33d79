import { isS3Url } from '../aws/s3-url.ts'
import type { Random } from '../clock.ts'
import { invariant } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import { placeIn } from '../checkpoint/object-files.ts'
import { readJobHead } from './head-session.ts'
import { JobDirectory } from './job-directory.ts'
import type { JobHome } from './job-home.ts'
import { DEFAULT_WORK } from './local-folder.ts'
import { joinPlace, resolvePlace } from './place-names.ts'
import { HEAD, S3Home } from './s3-home.ts'
import { openS3Place } from './s3-places.ts'
import { placesOf } from './snapshot-places.ts'

/** Takes the state of a job into use: in a folder with its lock; in S3 it is looked at, to be taken over. */
export function openHome(options: {
  readonly dir: string
  readonly work: string | undefined
  readonly job: string
  readonly fileSystem: FileSystem
  readonly random: Random
}): Promise<JobHome> {
  const { dir, job, fileSystem, work = DEFAULT_WORK } = options
  if (!isS3Url(dir)) return JobDirectory.open(dir, job, fileSystem)
  return S3Home.open({ ...options, work })
}

/** The state of a job as it is, which need not exist, to read what it remembers: nothing is created, locked or taken over. */
export function lookIntoHome(dir: string, job: string, fileSystem: FileSystem): JobHome {
  const local = JobDirectory.lookInto(isS3Url(dir) ? '.' : dir, job, fileSystem)
  if (!isS3Url(dir)) return local
  const path = joinPlace(resolvePlace(dir), job)
  const checkpointsOf = (lineage: string): string => joinPlace(path, 'checkpoints', lineage)
  const readOnly = (): never => {
    invariant(false, 'a job that is looked into is not changed')
  }
  return {
    path,
    localPath: local.path,
    epoch: 0,
    readRecord: async () => (await readJobHead(placeIn(openS3Place(path), HEAD)))?.record,
    checkpointsOf,
    storageOf: (lineage) => placesOf(path, fileSystem).lineage(checkpointsOf(lineage)),
    take: readOnly,
    hasMoved: async () => false,
    lookAgain: async () => {},
    writeRecord: readOnly,
    setAside: readOnly,
    create: readOnly,
    workOf: readOnly,
    close: async () => {},
  }
}
