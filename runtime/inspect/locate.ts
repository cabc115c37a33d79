import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { isS3Url } from '../aws/s3-url.ts'
import { checkpointIdOf, MANIFEST } from '../checkpoint/file-names.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import { decodeJobRecord } from '../job/job-record.ts'
import type { JobRecord } from '../job/lineage.ts'
import { lookIntoHome } from '../job/open-home.ts'
import { joinPlace, resolvePlace } from '../job/place-names.ts'
import { placesOf } from '../job/snapshot-places.ts'

/** What a path of a command means; folders are absolute, or `s3://…`. */
export type Location =
  /** The folder of one snapshot: a checkpoint among the folders of its lineage, or a savepoint. */
  | { readonly kind: 'snapshot'; readonly directory: string }
  | { readonly kind: 'lineage'; readonly directory: string }
  /** The folder of a job, or what `--fresh` has moved aside; `record` is undefined where it has none. */
  | { readonly kind: 'job'; readonly directory: string; readonly record: JobRecord | undefined }

/**
 * Finds out what a path means, by what lies there: a manifest, the folder of a snapshot, of a lineage or of a job. Reads
 * nothing but names, and `job.json`; takes no lock, so a job may run meanwhile.
 *
 * Nothing of that: `MR_CHECKPOINT_NOT_FOUND`; a damaged `job.json`: `MR_DIRECTORY_UNUSABLE`.
 */
export async function locate(path: string): Promise<Location> {
  const given = resolvePlace(path)
  const folder = basename(given) === MANIFEST ? dirname(given) : given
  const names = await namesIn(folder, path)
  if (names.includes(MANIFEST)) return { kind: 'snapshot', directory: folder }
  if (names.includes('job.json') || names.includes('checkpoints')) {
    return { kind: 'job', directory: folder, record: await readRecord(folder, names) }
  }
  if (names.some((name) => checkpointIdOf(name) !== undefined)) {
    return { kind: 'lineage', directory: folder }
  }
  throw notFound(path, names.length === 0 ? 'there is nothing' : 'it holds no manifest')
}

/** The savepoints in the folder of a job that were given no other path, in the order of their names. */
export async function savepointsIn(directory: string): Promise<string[]> {
  const savepoints = joinPlace(directory, 'savepoints')
  const places = placesOf(directory, nodeFileSystem)
  const found: string[] = []
  for (const name of await places.names(savepoints)) {
    const path = joinPlace(savepoints, name)
    if (await places.hasManifest(path)) found.push(path)
  }
  return found
}

async function namesIn(folder: string, path: string): Promise<readonly string[]> {
  try {
    return await placesOf(folder, nodeFileSystem).names(folder)
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw new StreamError(
      'MR_DIRECTORY_UNUSABLE',
      `${path} cannot be read (${(error as Error).message}); what it holds cannot be shown; make it readable, or give another path.`,
      { path },
      error,
    )
  }
}

async function readRecord(
  folder: string,
  names: readonly string[],
): Promise<JobRecord | undefined> {
  if (!names.includes('job.json')) return undefined
  if (isS3Url(folder)) {
    const job = basename(folder)
    return lookIntoHome(dirname(folder), job, nodeFileSystem).readRecord(job)
  }
  const path = joinPlace(folder, 'job.json')
  return decodeJobRecord(await readFile(path, 'utf8'), path)
}

function notFound(path: string, what: string): StreamError {
  return new StreamError(
    'MR_CHECKPOINT_NOT_FOUND',
    `${resolvePlace(path)} is no checkpoint or savepoint, nor the folder of a lineage or a job: ${what}; nothing can be read from it; give the folder of a savepoint or checkpoint (chk-<id>), the folder it is in, or the job's (DIR/<job>).`,
    { path },
  )
}
