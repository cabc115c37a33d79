import { join } from 'node:path'
import { invariant } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import type {
  CheckpointStorage,
  PinnedFile,
  StorageWriter,
  StoredFile,
} from './checkpoint-storage.ts'
import { checkpointFolder, checkpointIdOf, MANIFEST, MAX_CHECKPOINT_ID } from './file-names.ts'
import { createSegmentFile } from './file-storage-writer.ts'
import { FolderFiles } from './folder-files.ts'
import type { CheckpointManifest } from './manifest.ts'
import { damaged } from './manifest-codec.ts'
import { publishManifest, readManifestFile, removeFile } from './manifest-file.ts'
import { isSystemError, readFailure, storageFailure } from './storage-errors.ts'

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
  readonly #files: FolderFiles

  constructor({ directory, fileSystem }: FileStorageOptions) {
    this.#directory = directory
    this.#fs = fileSystem
    this.#files = new FolderFiles(directory, fileSystem)
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

  create(checkpointId: number, name: string): Promise<StorageWriter> {
    return createSegmentFile(this.#fs, {
      directory: this.#directory,
      folder: checkpointFolder(checkpointId),
      wish: name,
      what: `Checkpoint ${checkpointId}`,
    })
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#files.read(name, offset, length)
  }

  stat(name: string): Promise<StoredFile | undefined> {
    return this.#files.stat(name)
  }

  pin(name: string): Promise<PinnedFile> {
    return this.#files.pin(name)
  }

  publish(manifest: CheckpointManifest): Promise<number> {
    const { checkpointId } = manifest
    return publishManifest(this.#fs, manifest, {
      folder: this.#folder(checkpointId),
      what: `Checkpoint ${checkpointId}`,
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
    const manifest = await readManifestFile(this.#fs, folder)
    if (manifest.checkpointId === checkpointId) return manifest
    throw damaged(join(folder, MANIFEST), `it is that of checkpoint ${manifest.checkpointId}`)
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
          await removeFile(this.#fs, join(this.#folder(id), name))
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

  async #isPublished(id: number): Promise<boolean> {
    return (await this.#fs.size(join(this.#folder(id), MANIFEST))) !== undefined
  }

  /** Removes a manifest for good before any file goes that it names. */
  async #withdraw(id: number): Promise<void> {
    if (!(await this.#isPublished(id))) return
    await removeFile(this.#fs, join(this.#folder(id), MANIFEST))
    await this.#fs.syncDirectory(this.#folder(id))
  }

  async #removeFiles(id: number, kept: ReadonlySet<string>, isKept: boolean): Promise<void> {
    const folder = this.#folder(id)
    let isEmpty = true
    for (const name of await this.#fs.list(folder)) {
      if (name === MANIFEST || kept.has(`${checkpointFolder(id)}/${name}`)) isEmpty = false
      else await removeFile(this.#fs, join(folder, name))
    }
    if (isKept || !isEmpty) return
    try {
      await this.#fs.removeDirectory(folder)
    } catch (error) {
      // A worker was still writing for an aborted checkpoint; next time.
      if (!isSystemError(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
    }
  }
}

function filesOf(manifest: CheckpointManifest): string[] {
  return manifest.subtasks.flatMap((part) => part.segments.map((segment) => segment.file))
}
