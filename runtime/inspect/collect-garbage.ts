import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isS3Url } from '../aws/s3-url.ts'
import { checkpointFolder, checkpointIdOf, MANIFEST } from '../checkpoint/file-names.ts'
import { createFileStorage } from '../checkpoint/file-storage.ts'
import { removeFile } from '../checkpoint/manifest-file.ts'
import { isSystemError } from '../checkpoint/storage-errors.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import { takeJobLock } from '../job/job-lock.ts'
import { namesIn } from './held-files.ts'
import { locate } from './locate.ts'

/** A file that no checkpoint names. */
export interface GarbageFile {
  /** Absolute. */
  readonly path: string
  readonly bytes: number
}

/** What a collection came to. */
export interface Garbage {
  /** A run holds the lock: nothing was removed, it removes what is left over itself, and some of this may be in use. */
  readonly isRunning: boolean
  readonly isRemoved: boolean
  readonly files: readonly GarbageFile[]
  /** Lineages that were left alone, each with the reason: which files a damaged manifest names is not known. */
  readonly skipped: readonly string[]
}

/**
 * Finds what crashes have left in the folder of a job: files that no published checkpoint names, and working state. Removes it
 * with the job's lock held, so that no run can be writing; beside a run, and with `dryRun`, it only tells. Checkpoints stay, all
 * of them, and so does the folder with the highest id of a lineage, by which ids are not given out again (R1, R29).
 *
 * A path that is not a job's folder is `MR_CHECKPOINT_NOT_FOUND`.
 */
export async function collectGarbage(
  path: string,
  options: { readonly dryRun: boolean },
): Promise<Garbage> {
  if (isS3Url(path)) throw notInS3(path)
  const location = await locate(path)
  if (location.kind !== 'job') throw noJob(path)
  const { directory } = location
  const lock = await tryLock(directory)
  try {
    const { files, folders, skipped } = await findGarbage(directory, lock !== undefined)
    const isRemoved = lock !== undefined && !options.dryRun
    if (isRemoved) {
      for (const file of files) await removeFile(nodeFileSystem, file.path)
      for (const folder of folders) await removeFolder(folder)
      await rm(join(directory, 'work'), { recursive: true, force: true })
    }
    return { isRunning: lock === undefined, isRemoved, files, skipped }
  } finally {
    await lock?.release()
  }
}

/** Undefined while a run holds it. A folder that was moved aside has none, and is nobody's. */
async function tryLock(directory: string): Promise<{ release(): Promise<void> } | undefined> {
  const lock = join(directory, 'lock')
  if ((await nodeFileSystem.size(lock)) === undefined) return { release: async () => {} }
  try {
    return await takeJobLock(lock, join(directory, 'holder'))
  } catch (error) {
    if (error instanceof StreamError && error.code === 'MR_DIRECTORY_LOCKED') return undefined
    throw error
  }
}

interface Found {
  readonly files: GarbageFile[]
  /** Folders of ids that will be empty. */
  readonly folders: string[]
  readonly skipped: string[]
}

async function findGarbage(directory: string, isAlone: boolean): Promise<Found> {
  const found: Found = { files: [], folders: [], skipped: [] }
  const checkpoints = join(directory, 'checkpoints')
  for (const lineage of await nodeFileSystem.list(checkpoints)) {
    await searchLineage(join(checkpoints, lineage), isAlone, found)
  }
  if (isAlone) found.files.push(...(await workFiles(directory)))
  return found
}

async function searchLineage(directory: string, isAlone: boolean, found: Found): Promise<void> {
  const storage = createFileStorage({ directory, fileSystem: nodeFileSystem })
  const published = await storage.list()
  const named = new Set<string>()
  for (const id of published) {
    try {
      for (const name of namesIn(await storage.readManifest(id))) named.add(name)
      named.add(`${checkpointFolder(id)}/${MANIFEST}`)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      found.skipped.push(`${basename(directory)}: ${error.message.split('; ')[0]}`)
      return
    }
  }
  const ids = (await nodeFileSystem.list(directory))
    .map(checkpointIdOf)
    .filter((id) => id !== undefined)
  const highest = Math.max(...ids)
  const newest = Math.max(0, ...published)
  for (const id of ids) {
    // A run writes there for its next checkpoint.
    if (!isAlone && id > newest) continue
    const folder = join(directory, checkpointFolder(id))
    const names = await nodeFileSystem.list(folder)
    const unnamed = names.filter((name) => !named.has(`${checkpointFolder(id)}/${name}`))
    for (const name of unnamed) found.files.push(await fileAt(join(folder, name)))
    if (unnamed.length === names.length && id !== highest) found.folders.push(folder)
  }
}

/** The files of attempts that were killed; they go with their folder. */
async function workFiles(directory: string): Promise<GarbageFile[]> {
  const work = join(directory, 'work')
  if ((await nodeFileSystem.size(work)) === undefined) return []
  const found = await readdir(work, { recursive: true, withFileTypes: true })
  const files = found.filter((one) => one.isFile())
  return Promise.all(files.map((one) => fileAt(join(one.parentPath, one.name))))
}

async function fileAt(path: string): Promise<GarbageFile> {
  return { path, bytes: (await nodeFileSystem.size(path)) ?? 0 }
}

async function removeFolder(path: string): Promise<void> {
  try {
    await nodeFileSystem.removeDirectory(path)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
  }
}

/** What nobody needs can only be told apart, from what a run writes now, by taking the job over from it. */
function notInS3(path: string): StreamError {
  return new StreamError(
    'MR_OPTION_INVALID',
    `${path} is in S3, where garbage is not collected by this command, as no lock tells it from what a run is writing; nothing was removed; a run of the job removes what earlier ones have left after its first checkpoint, and a lifecycle rule of the bucket ends uploads that were not completed.`,
    { path },
  )
}

function noJob(path: string): StreamError {
  return new StreamError(
    'MR_CHECKPOINT_NOT_FOUND',
    `${path} is not the folder of a job; what nothing needs any more is known for a whole job only; give the folder that holds its checkpoints (DIR/<job>).`,
    { path },
  )
}
