import { join } from 'node:path'
import type { FileSystem } from '../file-system.ts'
import type { PinnedFile, SnapshotFiles, StoredFile } from './checkpoint-storage.ts'
import { checkpointIdOf, isNameWithin, SEGMENT } from './file-names.ts'
import { readFailure, unreadable } from './storage-errors.ts'

/**
 * Reads the files of snapshots in a folder: `chk-12/counts-0-1.seg` in that of a lineage, `counts-0.seg` in that of a
 * savepoint.
 */
export class FolderFiles implements SnapshotFiles {
  readonly #directory: string
  readonly #fs: FileSystem

  /** `directory` is absolute. */
  constructor(directory: string, fileSystem: FileSystem) {
    this.#directory = directory
    this.#fs = fileSystem
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

  async pin(name: string): Promise<PinnedFile> {
    const path = this.#path(name)
    const failure = (error: unknown): unknown => readFailure(error, name, path)
    try {
      const file = await this.#fs.open(path)
      return {
        async read(offset, length) {
          try {
            return whole(await file.read(offset, length), { name, offset, length })
          } catch (error) {
            throw failure(error)
          }
        },
        readSync(offset, target) {
          try {
            const { length } = target
            mustBeWhole(file.readSync(offset, target), { name, offset, length })
          } catch (error) {
            throw failure(error)
          }
        },
        async close() {
          try {
            await file.close()
          } catch {
            // What has been read is right all the same.
          }
        },
      }
    } catch (error) {
      throw failure(error)
    }
  }

  /** The path of a file named in a manifest; a name that leads elsewhere is refused (N25). */
  #path(name: string): string {
    const folder = name.includes('/') ? name.slice(0, name.indexOf('/')) : undefined
    const isInPlace =
      folder === undefined ? name.endsWith(SEGMENT) : checkpointIdOf(folder) !== undefined
    if (!isNameWithin(name) || !isInPlace) {
      throw unreadable(JSON.stringify(name.slice(0, 200)), 'is no file of a checkpoint')
    }
    return join(this.#directory, name)
  }
}

/** The bytes that were read, if they are all that was asked for. */
function whole(
  bytes: Uint8Array,
  { name, offset, length }: { name: string; offset: number; length: number },
): Uint8Array {
  mustBeWhole(bytes.byteLength, { name, offset, length })
  return bytes
}

function mustBeWhole(
  bytes: number,
  { name, offset, length }: { name: string; offset: number; length: number },
): void {
  if (bytes === length) return
  const end = offset + bytes
  throw unreadable(name, `ends at byte ${end} where ${offset + length} are expected`)
}
