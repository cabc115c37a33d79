import { joinBytes } from '../free-bytes.ts'
import {
  type ObjectStore,
  type OpenUpload,
  UploadGone,
  type UploadedPart,
} from '../object-store.ts'
import type { StorageWriter, StoredFile } from './checkpoint-storage.ts'
import type { ObjectPlace } from './object-files.ts'
import { storageFailure } from './storage-errors.ts'

/** What is longer goes up in parts of this size; from the 1,000th on they are larger, as there may be 10,000. */
const PART_BYTES = 8 * 1_024 * 1_024
const LARGE_PART_BYTES = 64 * 1_024 * 1_024
const SMALL_PARTS = 1_000

/**
 * Writes one file of a snapshot as an object whose key nobody else writes to: in one request, or in parts where it is long. Nothing of
 * it is to be seen before `finish`. Needs memory for a part.
 */
export class ObjectWriter implements StorageWriter {
  readonly name: string
  readonly #place: ObjectPlace
  /** The beginning of error messages. */
  readonly #what: string
  readonly #partBytes: number
  readonly #parts: UploadedPart[] = []
  #upload: OpenUpload | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #bytes = 0

  /** `place` is that of the object itself; `partBytes` is for tests. */
  constructor(options: {
    readonly name: string
    readonly place: ObjectPlace
    readonly what: string
    readonly partBytes?: number
  }) {
    this.name = options.name
    this.#place = options.place
    this.#what = options.what
    this.#partBytes = options.partBytes ?? PART_BYTES
  }

  async write(chunk: Uint8Array): Promise<void> {
    // Whoever wrote it uses the memory again.
    this.#waiting.push(chunk.slice())
    this.#waitingBytes += chunk.byteLength
    this.#bytes += chunk.byteLength
    const most = this.#parts.length < SMALL_PARTS ? this.#partBytes : LARGE_PART_BYTES
    if (this.#waitingBytes >= most) await this.#guard(() => this.#uploadPart())
  }

  async finish(): Promise<StoredFile> {
    await this.#guard(() => this.#finish())
    return { name: this.name, bytes: this.#bytes }
  }

  async abort(): Promise<void> {
    try {
      if (this.#upload !== undefined) await this.#store.abortUpload(this.#upload)
      await this.#store.delete([this.#place.prefix])
    } catch {
      // The next retention removes what is left; the failure that led here is the one to tell.
    }
  }

  async #finish(): Promise<void> {
    const { prefix: key } = this.#place
    if (this.#upload === undefined) {
      await this.#store.put(key, this.#take(), { condition: { ifAbsent: true } })
      return
    }
    if (this.#waitingBytes > 0) await this.#uploadPart()
    try {
      await this.#store.completeUpload(this.#upload, this.#parts)
    } catch (error) {
      // A try of this very call may have done it.
      if (!(error instanceof UploadGone)) throw error
      if ((await this.#store.head(key))?.bytes !== this.#bytes) throw error
    }
  }

  async #uploadPart(): Promise<void> {
    const { prefix: key } = this.#place
    this.#upload ??= { key, uploadId: await this.#store.createUpload(key) }
    const partNumber = this.#parts.length + 1
    const etag = await this.#store.uploadPart(this.#upload, partNumber, this.#take())
    this.#parts.push({ partNumber, etag })
  }

  #take(): Uint8Array {
    const bytes = joinBytes(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    return bytes
  }

  get #store(): ObjectStore {
    return this.#place.store
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw storageFailure(error, { path: this.#place.url, what: this.#what, verb: 'written' })
    }
  }
}
