import { dirname, join } from 'node:path'
import type { FileSystem, WritableFile } from '../file-system.ts'
import type { StorageWriter, StoredFile } from './checkpoint-storage.ts'
import { SEGMENT, usableFileName } from './file-names.ts'
import { isSystemError, storageFailure } from './storage-errors.ts'

/**
 * Begins a file of state in a folder of `directory` (in itself, where `folder` is undefined), called about like `wish`.
 * `what` is the beginning of error messages.
 */
export async function createSegmentFile(
  fileSystem: FileSystem,
  options: {
    readonly directory: string
    readonly folder: string | undefined
    readonly wish: string
    readonly what: string
  },
): Promise<StorageWriter> {
  const { directory, folder, what } = options
  const wish = usableFileName(options.wish)
  for (let take = 0; ; take++) {
    const file = `${take === 0 ? wish : `${wish}-${take}`}${SEGMENT}`
    const name = folder === undefined ? file : `${folder}/${file}`
    const path = join(directory, name)
    try {
      const opened = await fileSystem.create(path)
      return new FileStorageWriter({ fileSystem, file: opened, path, name, what })
    } catch (error) {
      if (!isSystemError(error, 'EEXIST'))
        throw storageFailure(error, { path, what, verb: 'written' })
    }
  }
}

/** Writes one file of a checkpoint; a failed call closes the file and leaves it to `abort`. */
export class FileStorageWriter implements StorageWriter {
  readonly name: string
  readonly #fs: FileSystem
  readonly #file: WritableFile
  readonly #path: string
  readonly #what: string
  #bytes = 0
  #isClosed = false

  /** `what` is the beginning of error messages. */
  constructor(options: {
    readonly fileSystem: FileSystem
    readonly file: WritableFile
    readonly path: string
    readonly name: string
    readonly what: string
  }) {
    this.name = options.name
    this.#fs = options.fileSystem
    this.#file = options.file
    this.#path = options.path
    this.#what = options.what
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#guard(() => this.#file.write(chunk))
    this.#bytes += chunk.byteLength
  }

  async finish(): Promise<StoredFile> {
    await this.finishContent()
    await this.#guard(() => this.#fs.syncDirectory(dirname(this.#path)))
    return { name: this.name, bytes: this.#bytes }
  }

  /** Makes the bytes durable, but not the name. */
  async finishContent(): Promise<void> {
    await this.#guard(() => this.#file.sync())
    await this.#guard(() => this.#close())
  }

  async abort(): Promise<void> {
    try {
      await this.#close()
      await this.#fs.unlink(this.#path)
    } catch {
      // The next retention removes what is left; the failure that led here is the one to tell.
    }
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#file.close()
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      await this.#close().catch(() => {
        // The first failure is the one to tell.
      })
      throw storageFailure(error, { path: this.#path, what: this.#what, verb: 'written' })
    }
  }
}
