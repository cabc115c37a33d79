import type { ObjectStore } from '../object-store.ts'
import type { SnapshotFiles, StoredFile } from './checkpoint-storage.ts'
import { checkpointIdOf, isNameWithin, SEGMENT } from './file-names.ts'
import { readFailure, unreadable } from './storage-errors.ts'

/** A place in an object store. */
export interface ObjectPlace {
  readonly store: ObjectStore
  /** Keys begin with it; without a slash at its end. */
  readonly prefix: string
  /** The same for messages, such as `s3://bucket/prefix`. */
  readonly url: string
}

/** A place below another one. */
export function placeIn({ store, prefix, url }: ObjectPlace, name: string): ObjectPlace {
  return { store, prefix: prefix === '' ? name : `${prefix}/${name}`, url: `${url}/${name}` }
}

/** Reads the files of snapshots in an object store, as `FolderFiles` does in a folder. They cannot be pinned: nothing answers at once. */
export class ObjectFiles implements SnapshotFiles {
  readonly #place: ObjectPlace

  constructor(place: ObjectPlace) {
    this.#place = place
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const { prefix: key, store, url } = this.#file(name)
    try {
      // As many bytes as there are: a length from a damaged file takes no memory (N25).
      const bytes = await store.read(key, offset, length)
      if (bytes === undefined) throw unreadable(name, 'is missing')
      if (bytes.byteLength < length) {
        const end = offset + bytes.byteLength
        throw unreadable(name, `ends at byte ${end} where ${offset + length} are expected`)
      }
      return bytes
    } catch (error) {
      throw readFailure(error, name, url)
    }
  }

  async stat(name: string): Promise<StoredFile | undefined> {
    const { prefix: key, store, url } = this.#file(name)
    try {
      const head = await store.head(key)
      return head && { name, bytes: head.bytes }
    } catch (error) {
      throw readFailure(error, name, url)
    }
  }

  /** The place of a file named in a manifest; a name that leads elsewhere is refused (N25). */
  #file(name: string): ObjectPlace {
    const [folder, file] = name.split('/')
    const isInPlace =
      file === undefined ? name.endsWith(SEGMENT) : checkpointIdOf(folder!) !== undefined
    if (!isNameWithin(name) || !isInPlace) {
      throw unreadable(JSON.stringify(name.slice(0, 200)), 'is no file of a checkpoint')
    }
    return placeIn(this.#place, name)
  }
}
