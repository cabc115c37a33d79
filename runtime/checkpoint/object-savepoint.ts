import { WriteConflict } from '../object-store.ts'
import type { StorageWriter } from './checkpoint-storage.ts'
import { MANIFEST } from './file-names.ts'
import type { CheckpointManifest } from './manifest.ts'
import { encodeManifest } from './manifest-codec.ts'
import { type ObjectPlace, placeIn } from './object-files.ts'
import { objectFileName } from './object-names.ts'
import { ObjectWriter } from './object-writer.ts'
import type { OpenSavepoint } from './open-savepoint.ts'
import { INCOMPLETE, refused, taken } from './savepoint-target.ts'
import { storageFailure } from './storage-errors.ts'

/**
 * The place of a savepoint in an object store.
 *
 * ```
 *   <prefix>/savepoint.incomplete      first, where there is none: the place is taken
 *   <prefix>/counts-0.e0-<writer>-0.seg
 *   <prefix>/manifest.json             last: the savepoint exists; names are relative to the prefix
 * ```
 */
export class ObjectSavepoint implements OpenSavepoint {
  readonly path: string
  readonly #place: ObjectPlace
  readonly #writer: string
  readonly #writers: StorageWriter[] = []
  #isPublishing = false

  private constructor(place: ObjectPlace, writer: string) {
    this.path = place.url
    this.#place = place
    this.#writer = writer
  }

  /**
   * Takes a place for a savepoint, which must be empty; `writer` is a random name. Fails with `MR_SAVEPOINT_TARGET` where something is
   * there, and with what the store says where it cannot be written to.
   */
  static async open(place: ObjectPlace, writer: string): Promise<ObjectSavepoint> {
    const { prefix, store, url } = place
    if (prefix === '') {
      throw refused(url, 'it is a whole bucket', 'give a place in it, such as s3://BUCKET/NAME')
    }
    for await (const { key } of store.list(`${prefix}/`)) {
      const names = [key.slice(prefix.length + 1)]
      if ((await store.head(`${prefix}/${MANIFEST}`)) !== undefined) names.push(MANIFEST)
      throw taken(url, names)
    }
    try {
      const condition = { ifAbsent: true } as const
      await store.put(`${prefix}/${INCOMPLETE}`, Buffer.from(writer), { condition })
    } catch (error) {
      throw error instanceof WriteConflict ? taken(url, [INCOMPLETE]) : error
    }
    return new ObjectSavepoint(place, writer)
  }

  async create(checkpointId: number, name: string): Promise<StorageWriter> {
    const author = { epoch: 0, writer: this.#writer }
    const file = objectFileName(name, author, this.#writers.length)
    const what = `Savepoint ${checkpointId}`
    const writer = new ObjectWriter({ name: file, place: placeIn(this.#place, file), what })
    this.#writers.push(writer)
    return writer
  }

  async publish(manifest: CheckpointManifest): Promise<void> {
    const { prefix, store, url } = placeIn(this.#place, MANIFEST)
    this.#isPublishing = true
    try {
      await store.put(prefix, encodeManifest(manifest), { condition: { ifAbsent: true } })
    } catch (error) {
      const what = `Savepoint ${manifest.checkpointId}`
      throw storageFailure(error, { path: url, what, verb: 'published' })
    }
    try {
      await store.delete([`${this.#place.prefix}/${INCOMPLETE}`])
    } catch {
      // The manifest beside it says that it is complete.
    }
  }

  async abandon(): Promise<void> {
    const { prefix, store } = this.#place
    try {
      // Where its answer was lost it may be there; first, so that nobody takes what is left for a snapshot.
      if (this.#isPublishing) await store.delete([`${prefix}/${MANIFEST}`])
      for (const writer of this.#writers) await writer.abort()
      await store.delete([`${prefix}/${INCOMPLETE}`])
    } catch {
      // The failure that led here is the one to tell.
    }
  }
}
