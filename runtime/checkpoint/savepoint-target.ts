import { dirname, join } from 'node:path'
import { makeDurable } from '../durable-folder.ts'
import { StreamError } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import type { StorageWriter } from './checkpoint-storage.ts'
import { MANIFEST } from './file-names.ts'
import { createSegmentFile } from './file-storage-writer.ts'
import type { CheckpointManifest } from './manifest.ts'
import { publishManifest, removeFile } from './manifest-file.ts'
import type { OpenSavepoint } from './open-savepoint.ts'
import { isSystemError } from './storage-errors.ts'

/** Lies in the folder of a savepoint from its beginning to its end: without a manifest beside it, it is none. */
export const INCOMPLETE = 'savepoint.incomplete'

/**
 * The folder of a savepoint that is being written.
 *
 * ```
 *   <path>/savepoint.incomplete   first: the folder is taken
 *   <path>/counts-0.seg           the state of a subtask, in one file
 *   <path>/manifest.json          last: the savepoint exists; names are relative to the folder
 * ```
 *
 * Whatever resolves is durable (R26).
 */
export class SavepointTarget implements OpenSavepoint {
  /** Absolute. */
  readonly path: string
  readonly #fs: FileSystem
  /** The topmost folder that was made for it. */
  readonly #made: string | undefined
  readonly #files: string[] = []

  private constructor(path: string, fileSystem: FileSystem, made: string | undefined) {
    this.path = path
    this.#fs = fileSystem
    this.#made = made
  }

  /**
   * Takes a folder for a savepoint: a new one, or one that is empty; folders above it are made. Fails with
   * `MR_SAVEPOINT_TARGET` where it cannot be one, and with what the file system says where that may pass.
   */
  static async open(path: string, fileSystem: FileSystem): Promise<SavepointTarget> {
    let target: SavepointTarget | undefined
    try {
      const made = await makeDurable(fileSystem, path)
      target = new SavepointTarget(path, fileSystem, made)
      const names = await fileSystem.list(path)
      if (names.length > 0) throw taken(path, names)
      await target.#mark()
      return target
    } catch (error) {
      await target?.abandon()
      throw targetFailure(error, path)
    }
  }

  async #mark(): Promise<void> {
    const path = join(this.path, INCOMPLETE)
    const marker = await this.#fs.create(path)
    this.#files.push(path)
    await marker.sync()
    await marker.close()
    await this.#fs.syncDirectory(this.path)
  }

  async create(checkpointId: number, name: string): Promise<StorageWriter> {
    const writer = await createSegmentFile(this.#fs, {
      directory: this.path,
      folder: undefined,
      wish: name,
      what: `Savepoint ${checkpointId}`,
    })
    this.#files.push(join(this.path, writer.name))
    return writer
  }

  /** Makes the savepoint exist. */
  async publish(manifest: CheckpointManifest): Promise<void> {
    const what = `Savepoint ${manifest.checkpointId}`
    await publishManifest(this.#fs, manifest, { folder: this.path, what })
    try {
      await removeFile(this.#fs, join(this.path, INCOMPLETE))
      await this.#fs.syncDirectory(this.path)
    } catch {
      // The manifest beside it says that it is complete.
    }
  }

  /** Removes what was written, as far as that is possible; what is left is no snapshot. */
  async abandon(): Promise<void> {
    try {
      // The marker goes last.
      for (const file of this.#files.toReversed()) await removeFile(this.#fs, file)
      if (this.#made === undefined) return
      for (let folder = this.path; ; folder = dirname(folder)) {
        await this.#fs.removeDirectory(folder)
        if (folder === this.#made) return
      }
    } catch {
      // The failure that led here is the one to tell; others may have put something there.
    }
  }
}

/** What is in the way of a savepoint, by the names that are there. */
export function taken(path: string, names: readonly string[]): StreamError {
  if (names.includes(MANIFEST)) {
    return refused(path, 'there is a snapshot already', 'give another path, or leave it out')
  }
  return names.includes(INCOMPLETE)
    ? refused(
        path,
        'a savepoint is being written there, or was begun by a process that was killed',
        'give another path, or remove the folder if no job is writing to it',
      )
    : refused(path, `it is not empty (${names[0]})`, 'give the path of a new or empty folder')
}

/** Codes that say that the path is the problem, not the moment. */
const UNUSABLE: readonly string[] = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'ENOENT',
  'ENAMETOOLONG',
  'ELOOP',
  'EINVAL',
]

function targetFailure(error: unknown, path: string): unknown {
  if (error instanceof StreamError) return error
  if (isSystemError(error, 'EEXIST')) return taken(path, [INCOMPLETE])
  if (!isSystemError(error, ...UNUSABLE)) return error
  const what = isSystemError(error, 'ENOTDIR')
    ? 'a file is in the way'
    : `it cannot be written to (${(error as Error).message})`
  return refused(path, what, 'give the path of a folder that can be written to', error)
}

/** A path that cannot be that of a savepoint. */
export function refused(path: string, what: string, wayOut: string, cause?: unknown): StreamError {
  return new StreamError(
    'MR_SAVEPOINT_TARGET',
    `${path} cannot take the savepoint: ${what}; none was taken, and the job goes on; ${wayOut}.`,
    { path },
    cause,
  )
}
