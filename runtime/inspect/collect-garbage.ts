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
import { resolvePlace } from '../job/place-names.ts'
import { openS3Place } from '../job/s3-places.ts'
import type { Garbage, GarbageFile } from './garbage.ts'
import { namesIn } from './held-files.ts'
import { locate } from './locate.ts'

/**
 * Finds what crashes have left in the folder of a job: files that no published checkpoint names, and working state. Removes it
 * with the job's lock held, so that no run can be writing; beside a run, and with `dryRun`, it only tells. Checkpoints stay, all
 * of them, and so does the folder with the highest id of a lineage, by which ids are not given out again (R1, R29).
 *
 * In S3 no lock tells whether a run is going on: there it removes something with `takesOver` only, which ends such a run
 * (`MR_JOB_FENCED`) before anything is looked for.
 *
 * A path that is not a job's folder is `MR_CHECKPOINT_NOT_FOUND`.
 */
export async function collectGarbage(
  path: string,
  options: { readonly dryRun: boolean; readonly takesOver?: boolean },
): Promise<Garbage> {
  const { dryRun, takesOver = false } = options
  if (isS3Url(path)) {
    const { collectObjectGarbage } = await import('./collect-object-garbage.ts')
    const place = openS3Place(resolvePlace(path))
    const garbage = await collectObjectGarbage(place, { takesOver: takesOver && !dryRun })
    if (garbage === undefined) throw noJob(path)
    return garbage
  }
  if (takesOver) throw hasLock(path)
  const location = await locate(path)
  if (location.kind !== 'job') throw noJob(path)
  const { directory } = location
  const lock = await tryLock(directory)
  try {
    const { files, folders, skipped } = await findGarbage(directory, lock !== undefined)
    const isRemoved = lock !== undefined && !dryRun
    if (isRemoved) {
      for (const file of files) await removeFile(nodeFileSystem, file.path)
      for (const folder of folders) await removeFolder(folder)
      await rm(join(directory, 'work'), { recursive: true, force: true })
    }
    const isRunning = lock === undefined
    return { isRunning, isRemoved, files, skipped, uploads: 0, holder: undefined }
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

function hasLock(path: string): StreamError {
  return new StreamError(
    'MR_OPTION_INVALID',
    `${path} is a folder, from which nothing has to be taken over: its lock tells whether the job runs; nothing was removed; leave out --take-over.`,
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
