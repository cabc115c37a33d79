import { join } from 'node:path'
import { invariant, StreamError } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import type { CheckpointStorage, StorageWriter, StoredFile } from './checkpoint-storage.ts'
import {
  checkpointFolder,
  checkpointIdOf,
  isNameWithin,
  MAX_CHECKPOINT_ID,
  usableFileName,
} from './file-names.ts'
import { FileStorageWriter } from './file-storage-writer.ts'
import type { CheckpointManifest } from './manifest.ts'
import { damaged, decodeManifest, encodeManifest, MAX_MANIFEST_BYTES } from './manifest-codec.ts'
import { isSystemError, storageFailure, unreadable } from './storage-errors.ts'

/** Being called this, and being there, is what makes a checkpoint one. */
export const MANIFEST = 'manifest.json'
const MANIFEST_ASIDE = 'manifest.json.tmp'

export interface FileStorageOptions {
  /** Absolute. It exists, and its own name is durable: that is up to whoever made it. */
  readonly directory: string
  readonly fileSystem: FileSystem
}

/**
 * The checkpoints of one lineage as files.
 *
 * ```
 *   <lineage>/chk-12/                     made by reserveId: from then on the id is taken (R1)
 *   <lineage>/chk-12/counts-0-1.seg       a segment; later manifests may name it too
 *   <lineage>/chk-12/manifest.json        published: checkpoint 12 exists
 * ```
 *
 * The folder with the highest id always stays, so that ids grow even when all its files are gone. Whatever returns is
 * durable (R26). Disk full, no permission and the like: `MR_CHECKPOINT_FAILED` or `MR_DIRECTORY_UNUSABLE`, with the file;
 * what had been published stays as it was.
 */
export function createFileStorage(options: FileStorageOptions): CheckpointStorage {
  return new FileStorage(options)
}

class FileStorage implements CheckpointStorage {
  readonly #directory: string
  readonly #fs: FileSystem

  constructor({ directory, fileSystem }: FileStorageOptions) {
    this.#directory = directory
    this.#fs = fileSystem
  }

  async reserveId(above: number): Promise<number> {
    try {
      let id = Math.max(above, ...(await this.#ids())) + 1
      invariant(id <= MAX_CHECKPOINT_ID, `checkpoint id ${id} is too large`)
      while (!(await this.#fs.makeDirectory(this.#folder(id)))) id++
      await this.#fs.syncDirectory(this.#directory)
      return id
    } catch (error) {
      throw storageFailure(error, { path: this.#directory, what: 'A checkpoint', verb: 'begun' })
    }
  }

  async create(checkpointId: number, name: string): Promise<StorageWriter> {
    const folder = checkpointFolder(checkpointId)
    const wish = usableFileName(name)
    const what = `Checkpoint ${checkpointId}`
    for (let take = 0; ; take++) {
      const file = `${folder}/${take === 0 ? wish : `${wish}-${take}`}.seg`
      const path = join(this.#directory, file)
      try {
        const opened = await this.#fs.create(path)
        return new FileStorageWriter({ fileSystem: this.#fs, file: opened, path, name: file, what })
      } catch (error) {
        if (!isSystemError(error, 'EEXIST'))
          throw storageFailure(error, { path, what, verb: 'written' })
      }
    }
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const path = this.#path(name)
    try {
      // Looked at first: a length from a damaged file must not decide how much memory is taken (N25).
      const size = await this.#fs.size(path)
      if (size === undefined) throw unreadable(name, 'is missing')
      if (offset + length > size) {
        throw unreadable(name, `ends at byte ${size} where ${offset + length} are expected`)
      }
      const bytes = await this.#fs.read(path, offset, length)
      if (bytes.byteLength < length) throw unreadable(name, 'became shorter while it was read')
      return bytes
    } catch (error) {
      throw readFailure(error, name, path)
    }
  }

  async stat(name: string): Promise<StoredFile | undefined> {
    const path = this.#path(name)
    try {
      const bytes = await this.#fs.size(path)
      return bytes === undefined ? undefined : { name, bytes }
    } catch (error) {
      throw readFailure(error, name, path)
    }
  }

  async publish(manifest: CheckpointManifest): Promise<void> {
    const folder = this.#folder(manifest.checkpointId)
    const aside = join(folder, MANIFEST_ASIDE)
    const path = join(folder, MANIFEST)
    const what = `Checkpoint ${manifest.checkpointId}`
    const name = `${checkpointFolder(manifest.checkpointId)}/${MANIFEST}`
    try {
      const file = await this.#fs.create(aside)
      const writer = new FileStorageWriter({ fileSystem: this.#fs, file, path: aside, name, what })
      await writer.write(encodeManifest(manifest))
      await writer.finishContent()
      await this.#makeName(aside, path)
      await this.#fs.syncDirectory(folder)
    } catch (error) {
      await this.#remove(aside).catch(() => {
        // The next retention removes it; that it could not be published is what matters.
      })
      throw storageFailure(error, { path, what, verb: 'published' })
    }
    await this.#remove(aside).catch(() => {
      // A second name of the same file: harmless, and removed with the checkpoint.
    })
  }

  async list(): Promise<readonly number[]> {
    try {
      const ids = await this.#ids()
      const isPublished = await Promise.all(ids.map((id) => this.#isPublished(id)))
      return ids.filter((_, index) => isPublished[index])
    } catch (error) {
      throw readFailure(error, 'the list of checkpoints', this.#directory)
    }
  }

  async readManifest(checkpointId: number): Promise<CheckpointManifest> {
    const folder = this.#folder(checkpointId)
    const path = join(folder, MANIFEST)
    const name = `${checkpointFolder(checkpointId)}/${MANIFEST}`
    try {
      // A run that was killed while publishing may have left a name that is visible but not durable yet. Whoever reads
      // the manifest goes on from it, and what it commits then must not outlive it (R26).
      await this.#syncIfWritable(folder)
      const size = await this.#fs.size(path)
      if (size === undefined) throw unreadable(name, 'is missing')
      if (size > MAX_MANIFEST_BYTES) throw damaged(path, `it has ${size} bytes`)
      const manifest = decodeManifest(await this.#fs.read(path, 0, size), path)
      if (manifest.checkpointId !== checkpointId) {
        throw damaged(path, `it is that of checkpoint ${manifest.checkpointId}`)
      }
      return manifest
    } catch (error) {
      throw readFailure(error, name, path)
    }
  }

  async retain(kept: readonly CheckpointManifest[], spared: readonly string[]): Promise<void> {
    const keptIds = new Set(kept.map((manifest) => manifest.checkpointId))
    const files = new Set([...spared, ...kept.flatMap(filesOf)])
    const newest = Math.max(0, ...keptIds)
    try {
      const ids = (await this.#ids()).filter((id) => id <= newest)
      for (const id of ids) if (!keptIds.has(id)) await this.#withdraw(id)
      for (const id of ids) await this.#removeFiles(id, files, keptIds.has(id))
    } catch (error) {
      throw storageFailure(error, {
        path: this.#directory,
        what: 'What old checkpoints left',
        verb: 'removed',
      })
    }
  }

  async discard(upTo: number): Promise<void> {
    try {
      const newest = Math.max(0, ...(await this.list()))
      for (const id of await this.#ids()) {
        if (id <= newest || id > upTo) continue
        for (const name of await this.#fs.list(this.#folder(id))) {
          await this.#remove(join(this.#folder(id), name))
        }
      }
    } catch (error) {
      throw storageFailure(error, {
        path: this.#directory,
        what: 'What aborted checkpoints left',
        verb: 'removed',
      })
    }
  }

  // --- Folders ---

  /** All ids that have a folder, ascending. */
  async #ids(): Promise<number[]> {
    const names = await this.#fs.list(this.#directory)
    const ids = names.map(checkpointIdOf).filter((id) => id !== undefined)
    return ids.sort((a, b) => a - b)
  }

  #folder(id: number): string {
    return join(this.#directory, checkpointFolder(id))
  }

  /** The path of a file named in a manifest; a name that leads elsewhere is refused (N25). */
  #path(name: string): string {
    const folder = name.slice(0, Math.max(0, name.indexOf('/')))
    if (!isNameWithin(name) || checkpointIdOf(folder) === undefined) {
      throw unreadable(JSON.stringify(name.slice(0, 200)), 'is no file of a checkpoint')
    }
    return join(this.#directory, name)
  }

  async #isPublished(id: number): Promise<boolean> {
    return (await this.#fs.size(join(this.#folder(id), MANIFEST))) !== undefined
  }

  /** Gives a file its name unless that is taken. Where there are no links, the lock of the job keeps others away (R4). */
  async #makeName(aside: string, path: string): Promise<void> {
    try {
      await this.#fs.link(aside, path)
    } catch (error) {
      if (!isSystemError(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error
      if ((await this.#fs.size(path)) !== undefined) throw error
      await this.#fs.rename(aside, path)
    }
  }

  /** Removes a manifest for good before any file goes that it names. */
  async #withdraw(id: number): Promise<void> {
    if (!(await this.#isPublished(id))) return
    await this.#remove(join(this.#folder(id), MANIFEST))
    await this.#fs.syncDirectory(this.#folder(id))
  }

  async #removeFiles(id: number, kept: ReadonlySet<string>, isKept: boolean): Promise<void> {
    const folder = this.#folder(id)
    let isEmpty = true
    for (const name of await this.#fs.list(folder)) {
      if (name === MANIFEST || kept.has(`${checkpointFolder(id)}/${name}`)) isEmpty = false
      else await this.#remove(join(folder, name))
    }
    if (isKept || !isEmpty) return
    try {
      await this.#fs.removeDirectory(folder)
    } catch (error) {
      // A worker was still writing for an aborted checkpoint; next time.
      if (!isSystemError(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
    }
  }

  /** Removes a file that may be gone already. */
  async #remove(path: string): Promise<void> {
    try {
      await this.#fs.unlink(path)
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error
    }
  }

  /** In a file system that cannot be written to nothing can be lost either. */
  async #syncIfWritable(folder: string): Promise<void> {
    try {
      await this.#fs.syncDirectory(folder)
    } catch (error) {
      if (!isSystemError(error, 'EROFS', 'EINVAL', 'ENOTSUP')) throw error
    }
  }
}

function filesOf(manifest: CheckpointManifest): string[] {
  return manifest.subtasks.flatMap((part) => part.segments.map((segment) => segment.file))
}

/** Failures of reading: what is not there or cannot be read is damage (R27), the rest may pass. */
function readFailure(error: unknown, name: string, path: string): unknown {
  if (error instanceof StreamError) return error
  if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return unreadable(name, 'is missing', error)
  if (isSystemError(error, 'EIO', 'EISDIR')) return unreadable(name, 'cannot be read', error)
  return storageFailure(error, { path, what: 'A checkpoint', verb: 'read' })
}
