import { basename, join } from 'node:path'
import type {
  CheckpointStorage,
  SnapshotFiles,
  StorageWriter,
} from '../checkpoint/checkpoint-storage.ts'
import { checkpointFolder, MANIFEST } from '../checkpoint/file-names.ts'
import { FileStorageWriter } from '../checkpoint/file-storage-writer.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { publishManifest } from '../checkpoint/manifest-file.ts'
import { type ObjectPlace, placeIn } from '../checkpoint/object-files.ts'
import { ObjectWriter } from '../checkpoint/object-writer.ts'
import { isSystemError } from '../checkpoint/storage-errors.ts'
import { makeDurable } from '../durable-folder.ts'
import type { FileSystem } from '../file-system.ts'

/** Bytes of a file that are copied at once. */
const COPY_BYTES = 4 * 1_024 * 1_024

const WHAT = 'A snapshot that is taken over'

/** A file of the snapshot that is taken over. */
export interface ClaimedFile {
  readonly name: string
  readonly bytes: number
  readonly files: SnapshotFiles
  /** Absolute, where it is a file of this machine, which may get a second name. */
  readonly path: string | undefined
}

/** Where a snapshot becomes a checkpoint of a lineage; all of it may be repeated after a crash. */
export interface ClaimTarget {
  /** Makes the place ready; false where the checkpoint is there already. */
  begin(checkpointId: number): Promise<boolean>
  /** Makes a file of the snapshot one of the checkpoint, under that name in the lineage. */
  add(file: ClaimedFile, name: string): Promise<void>
  /** Makes the checkpoint exist, durably. */
  publish(manifest: CheckpointManifest): Promise<void>
}

/** A lineage in a folder: files of this machine get a second name, where the disk allows it. */
export class FolderClaim implements ClaimTarget {
  readonly #directory: string
  readonly #fs: FileSystem

  /** `directory`: that of the lineage. */
  constructor(directory: string, fileSystem: FileSystem) {
    this.#directory = directory
    this.#fs = fileSystem
  }

  async begin(checkpointId: number): Promise<boolean> {
    const folder = join(this.#directory, checkpointFolder(checkpointId))
    await makeDurable(this.#fs, folder)
    const names = await this.#fs.list(folder)
    if (names.includes(MANIFEST)) return false
    for (const name of names) await this.#fs.unlink(join(folder, name))
    return true
  }

  async add(file: ClaimedFile, name: string): Promise<void> {
    const to = join(this.#directory, name)
    try {
      if (file.path !== undefined) {
        await this.#fs.link(file.path, to)
        return
      }
    } catch (error) {
      if (!isSystemError(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) {
        throw error
      }
    }
    const opened = await this.#fs.create(to)
    const writer = new FileStorageWriter({
      fileSystem: this.#fs,
      file: opened,
      path: to,
      name: basename(to),
      what: WHAT,
    })
    await copy(file, writer)
    await writer.finishContent()
  }

  async publish(manifest: CheckpointManifest): Promise<void> {
    const { checkpointId } = manifest
    const folder = join(this.#directory, checkpointFolder(checkpointId))
    await this.#fs.syncDirectory(folder)
    await publishManifest(this.#fs, manifest, { folder, what: `Checkpoint ${checkpointId}` })
  }
}

/**
 * A lineage in an object store. Whoever takes a snapshot over writes the same under the same names: what a run before has left, or one
 * writes that has been taken over from, is what is wanted. So nothing is removed where it fails.
 */
export class ObjectClaim implements ClaimTarget {
  readonly #place: ObjectPlace
  readonly #storage: CheckpointStorage

  /** `place`: that of the lineage, as `storage` has it. */
  constructor(place: ObjectPlace, storage: CheckpointStorage) {
    this.#place = place
    this.#storage = storage
  }

  async begin(checkpointId: number): Promise<boolean> {
    if ((await this.#storage.list()).length > 0) return false
    const { prefix, store } = placeIn(this.#place, checkpointFolder(checkpointId))
    for (const upload of await store.listUploads(`${prefix}/`)) await store.abortUpload(upload)
    return true
  }

  async add(file: ClaimedFile, name: string): Promise<void> {
    const place = placeIn(this.#place, name)
    if ((await place.store.head(place.prefix))?.bytes === file.bytes) return
    const writer = new ObjectWriter({ name, place, what: WHAT })
    await copy(file, writer)
    await writer.finish()
  }

  async publish(manifest: CheckpointManifest): Promise<void> {
    await this.#storage.publish(manifest)
  }
}

async function copy(
  { name, bytes, files }: ClaimedFile,
  writer: Pick<StorageWriter, 'write'>,
): Promise<void> {
  for (let offset = 0; offset < bytes; offset += COPY_BYTES) {
    await writer.write(await files.read(name, offset, Math.min(COPY_BYTES, bytes - offset)))
  }
}
