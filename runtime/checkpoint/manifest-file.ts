import { basename, join } from 'node:path'
import type { FileSystem } from '../file-system.ts'
import { MANIFEST } from './file-names.ts'
import { FileStorageWriter } from './file-storage-writer.ts'
import type { CheckpointManifest } from './manifest.ts'
import { damaged, decodeManifest, encodeManifest, MAX_MANIFEST_BYTES } from './manifest-codec.ts'
import { isSystemError, readFailure, storageFailure, unreadable } from './storage-errors.ts'

/** Where it lies until it is published; what is left of that means nothing. */
export const MANIFEST_ASIDE: string = `${MANIFEST}.tmp`

/**
 * Makes a snapshot exist: atomic, create-only, and durable when it resolves (R26), with the bytes of the manifest. `what` begins error
 * messages.
 */
export async function publishManifest(
  fileSystem: FileSystem,
  manifest: CheckpointManifest,
  { folder, what }: { readonly folder: string; readonly what: string },
): Promise<number> {
  const aside = join(folder, MANIFEST_ASIDE)
  const path = join(folder, MANIFEST)
  const name = `${basename(folder)}/${MANIFEST}`
  const encoded = encodeManifest(manifest)
  let isOwn = false
  try {
    const file = await fileSystem.create(aside)
    isOwn = true
    const writer = new FileStorageWriter({ fileSystem, file, path: aside, name, what })
    await writer.write(encoded)
    await writer.finishContent()
    await makeName(fileSystem, aside, path)
    await fileSystem.syncDirectory(folder)
  } catch (error) {
    // Where it was there before, someone else is about to publish: it is what makes them the only one.
    if (isOwn) {
      await removeFile(fileSystem, aside).catch(() => {
        // The next clean-up removes it; that it could not be published is what matters.
      })
    }
    throw storageFailure(error, { path, what, verb: 'published' })
  }
  await removeFile(fileSystem, aside).catch(() => {
    // A second name of the same file: harmless, and removed with the snapshot.
  })
  return encoded.byteLength
}

/** Reads and verifies the manifest in a folder: `MR_CHECKPOINT_CORRUPT` or `MR_CHECKPOINT_VERSION`. */
export async function readManifestFile(
  fileSystem: FileSystem,
  folder: string,
): Promise<CheckpointManifest> {
  const path = join(folder, MANIFEST)
  const name = `${basename(folder)}/${MANIFEST}`
  try {
    // A run that was killed while publishing may have left a name that is visible but not durable yet. Whoever reads the
    // manifest goes on from it, and what it commits then must not outlive it (R26).
    await syncIfWritable(fileSystem, folder)
    const size = await fileSystem.size(path)
    if (size === undefined) throw unreadable(name, 'is missing')
    if (size > MAX_MANIFEST_BYTES) throw damaged(path, `it has ${size} bytes`)
    return decodeManifest(await fileSystem.read(path, 0, size), path)
  } catch (error) {
    throw readFailure(error, name, path)
  }
}

/** Removes a file that may be gone already. */
export async function removeFile(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
  }
}

/** Gives a file its name unless that is taken. Where there are no links, the lock of the job keeps others away (R4). */
async function makeName(fileSystem: FileSystem, aside: string, path: string): Promise<void> {
  try {
    await fileSystem.link(aside, path)
  } catch (error) {
    if (!isSystemError(error, ...NO_LINKS)) throw error
    if ((await fileSystem.size(path)) !== undefined) throw error
    await fileSystem.rename(aside, path)
  }
}

/** What a file system answers that has no second names for files. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/**
 * In a file system that cannot be written to nothing can be lost either. A sync that fails is no damage, whatever the reason: the
 * manifest may be good, so nobody goes back behind it.
 */
async function syncIfWritable(fileSystem: FileSystem, folder: string): Promise<void> {
  try {
    await fileSystem.syncDirectory(folder)
  } catch (error) {
    if (isSystemError(error, 'EROFS', 'EINVAL', 'ENOTSUP')) return
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error
    throw storageFailure(error, { path: folder, what: 'A checkpoint', verb: 'made durable' })
  }
}
