import { dirname } from 'node:path'
import type { FileSystem, WritableFile } from '../file-system.ts'
import type { StorageWriter, StoredFile } from './checkpoint-storage.ts'
import { storageFailure } from './storage-errors.ts'

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
