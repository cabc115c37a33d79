import { invariant } from '../errors.ts'
import { WriteConflict } from '../object-store.ts'
import type {
  CheckpointStorage,
  SnapshotFiles,
  StorageWriter,
  StoredFile,
} from './checkpoint-storage.ts'
import { checkpointFolder, checkpointIdOf, MANIFEST, MAX_CHECKPOINT_ID } from './file-names.ts'
import type { CheckpointManifest } from './manifest.ts'
import { damaged, decodeManifest, encodeManifest } from './manifest-codec.ts'
import { ObjectFiles, type ObjectPlace, placeIn } from './object-files.ts'
import {
  type CheckpointObject,
  checkpointObjectOf,
  epochOf,
  type ObjectAuthor,
  objectFileName,
  RESERVED,
} from './object-names.ts'
import { ObjectWriter } from './object-writer.ts'
import type { PublishedCheckpoints } from './published-checkpoints.ts'
import { readFailure, storageFailure, unreadable } from './storage-errors.ts'

export interface ObjectStorageOptions {
  /** That of the lineage. */
  readonly place: ObjectPlace
  readonly published: PublishedCheckpoints
  readonly author: ObjectAuthor
  /** Reads the files; default: each read is a request. */
  readonly files?: SnapshotFiles
  /** Length of the parts of long objects; for tests. */
  readonly partBytes?: number
}

/**
 * The checkpoints of one lineage as objects.
 *
 * ```
 *   <lineage>/chk-12/reserved                      made by reserveId, if it is not there: the id is taken (R1)
 *   <lineage>/chk-12/counts-0-1.e3-<writer>-0.seg  a segment; later manifests may name it too
 *   <lineage>/chk-12/manifest.json                 made once; checkpoint 12 exists when `published` says so
 * ```
 *
 * Two runs of a job may write here at once without knowing it, until the older one learns that it has been taken over from. So ids and manifests
 * are made only where there is none, no two writers use one name for a segment, what is published is decided elsewhere, and a
 * run removes nothing that a later one may have written: its epoch is in the name.
 */
export class ObjectStorage implements CheckpointStorage {
  readonly #place: ObjectPlace
  readonly #files: SnapshotFiles
  readonly #options: ObjectStorageOptions
  #created = 0
  #hasEndedUploads = false

  constructor(options: ObjectStorageOptions) {
    this.#place = options.place
    this.#files = options.files ?? new ObjectFiles(options.place)
    this.#options = options
  }

  async reserveId(above: number): Promise<number> {
    const { store, url } = this.#place
    try {
      // A run that has been taken over from learns it here, before its records take a barrier.
      await this.#options.published.list()
      const { folders } = await store.listLevel(`${this.#place.prefix}/`)
      const ids = folders.map(checkpointIdOf).filter((id) => id !== undefined)
      for (let id = Math.max(above, ...ids) + 1; ; id++) {
        invariant(id <= MAX_CHECKPOINT_ID, `checkpoint id ${id} is too large`)
        if (await this.#reserve(id)) return id
      }
    } catch (error) {
      throw storageFailure(error, { path: url, what: 'A checkpoint', verb: 'begun' })
    }
  }

  async create(checkpointId: number, name: string): Promise<StorageWriter> {
    const file = objectFileName(name, this.#options.author, this.#created++)
    const path = `${checkpointFolder(checkpointId)}/${file}`
    const { partBytes } = this.#options
    return new ObjectWriter({
      name: path,
      place: placeIn(this.#place, path),
      what: `Checkpoint ${checkpointId}`,
      ...(partBytes === undefined ? {} : { partBytes }),
    })
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#files.read(name, offset, length)
  }

  stat(name: string): Promise<StoredFile | undefined> {
    return this.#files.stat(name)
  }

  async publish(manifest: CheckpointManifest): Promise<number> {
    const { checkpointId } = manifest
    const { prefix, url } = this.#manifest(checkpointId)
    const encoded = encodeManifest(manifest)
    try {
      await this.#putOnce(prefix, encoded)
      await this.#options.published.add(checkpointId)
      return encoded.byteLength
    } catch (error) {
      throw storageFailure(error, {
        path: url,
        what: `Checkpoint ${checkpointId}`,
        verb: 'published',
      })
    }
  }

  async list(): Promise<readonly number[]> {
    try {
      const ids = await this.#options.published.list()
      const isThere = await Promise.all(ids.map((id) => this.#isThere(id)))
      if (isThere.includes(false)) await this.#mustBeOurs()
      return ids.filter((_, index) => isThere[index])
    } catch (error) {
      throw readFailure(error, 'the list of checkpoints', this.#place.url)
    }
  }

  async readManifest(checkpointId: number): Promise<CheckpointManifest> {
    const { prefix, store, url } = this.#manifest(checkpointId)
    const name = `${checkpointFolder(checkpointId)}/${MANIFEST}`
    try {
      const found = await store.get(prefix)
      if (found === undefined) await this.#mustBeOurs()
      if (found === undefined) throw unreadable(name, 'is missing')
      const manifest = decodeManifest(found.body, url)
      if (manifest.checkpointId === checkpointId) return manifest
      throw damaged(url, `it is that of checkpoint ${manifest.checkpointId}`)
    } catch (error) {
      throw readFailure(error, name, url)
    }
  }

  async retain(kept: readonly CheckpointManifest[], spared: readonly string[]): Promise<void> {
    const keptIds = kept.map((manifest) => manifest.checkpointId)
    if (keptIds.length === 0) return
    const newest = Math.max(...keptIds)
    const files = new Set([...spared, ...kept.flatMap(filesOf)])
    await this.#removing('What old checkpoints left', async () => {
      await this.#options.published.keep(keptIds)
      await this.#endUploads(newest, files)
      await this.#remove(({ checkpointId, file }) => {
        if (checkpointId > newest) return false
        const isKept = keptIds.includes(checkpointId)
        if (file === MANIFEST || file === RESERVED) return !isKept
        return !files.has(`${checkpointFolder(checkpointId)}/${file}`) && this.#mayRemove(file)
      })
    })
  }

  async discard(upTo: number): Promise<void> {
    await this.#removing('What aborted checkpoints left', async () => {
      const newest = Math.max(0, ...(await this.list()))
      await this.#remove(({ checkpointId, file }) => {
        const isMeant = checkpointId > newest && checkpointId <= upTo
        return isMeant && file !== RESERVED && this.#mayRemove(file)
      })
    })
  }

  // --- Objects ---

  async #reserve(id: number): Promise<boolean> {
    const { prefix, store } = placeIn(this.#place, `${checkpointFolder(id)}/${RESERVED}`)
    try {
      // What is in it says whose it is, should the answer be lost: never the same twice.
      const text = JSON.stringify({ ...this.#options.author, n: this.#created++ })
      await store.put(prefix, Buffer.from(text), { condition: { ifAbsent: true } })
      return true
    } catch (error) {
      if (error instanceof WriteConflict) return false
      throw error
    }
  }

  /** What is there may be the same: of a snapshot that a run before has taken over, but not published. */
  async #putOnce(key: string, bytes: Uint8Array): Promise<void> {
    const { store } = this.#place
    try {
      await store.put(key, bytes, { condition: { ifAbsent: true } })
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error
      const found = await store.get(key)
      if (found === undefined || Buffer.compare(found.body, bytes) !== 0) throw error
    }
  }

  #manifest(checkpointId: number): ObjectPlace {
    return placeIn(this.#place, `${checkpointFolder(checkpointId)}/${MANIFEST}`)
  }

  async #isThere(checkpointId: number): Promise<boolean> {
    const { prefix, store } = this.#manifest(checkpointId)
    return (await store.head(prefix)) !== undefined
  }

  /** What is missing may have been removed by a run that has taken over: then it is no damage to act upon. */
  #mustBeOurs(): Promise<void> {
    return this.#options.published.check()
  }

  /** What a later run has written is not known here. */
  #mayRemove(file: string): boolean {
    return epochOf(file) <= this.#options.author.epoch
  }

  /** Manifests go before anything that they name. */
  async #remove(isMeant: (object: CheckpointObject) => boolean): Promise<void> {
    const { prefix, store } = this.#place
    const manifests: string[] = []
    const others: string[] = []
    for await (const { key } of store.list(`${prefix}/`)) {
      const object = checkpointObjectOf(key.slice(prefix.length + 1))
      if (object === undefined || !isMeant(object)) continue
      if (object.file === MANIFEST) manifests.push(key)
      else others.push(key)
    }
    await store.delete(manifests)
    await store.delete(others)
  }

  /** Ends uploads that killed runs have left, once: stores keep, and charge for, their parts. */
  async #endUploads(newest: number, files: ReadonlySet<string>): Promise<void> {
    if (this.#hasEndedUploads) return
    const { prefix, store } = this.#place
    for (const upload of await store.listUploads(`${prefix}/`)) {
      const name = upload.key.slice(prefix.length + 1)
      const object = checkpointObjectOf(name)
      if (object === undefined || object.checkpointId > newest || files.has(name)) continue
      if (this.#mayRemove(object.file)) await store.abortUpload(upload)
    }
    this.#hasEndedUploads = true
  }

  async #removing(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw storageFailure(error, { path: this.#place.url, what, verb: 'removed' })
    }
  }
}

function filesOf(manifest: CheckpointManifest): string[] {
  return manifest.subtasks.flatMap((part) => part.segments.map((segment) => segment.file))
}
