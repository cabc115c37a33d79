import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { SnapshotFiles, StoredFile } from '../checkpoint/checkpoint-storage.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { isS3Url } from '../aws/s3-url.ts'
import { isSystemError } from '../checkpoint/storage-errors.ts'

/** Files held open; what a manifest names beyond that is opened for each read. */
const MAX_HELD = 512

/**
 * The files that a manifest names, held open: a running job may retire the checkpoint while it is read, and what is open can
 * be read to its end.
 */
export class HeldFiles implements SnapshotFiles {
  readonly #files: SnapshotFiles
  readonly #handles: ReadonlyMap<string, FileHandle>

  private constructor(files: SnapshotFiles, handles: ReadonlyMap<string, FileHandle>) {
    this.#files = files
    this.#handles = handles
  }

  /** What cannot be opened is left to the reading, which says what is wrong with it. Nothing in S3 can be held. */
  static async open(
    manifest: CheckpointManifest,
    files: SnapshotFiles,
    directory: string,
  ): Promise<HeldFiles> {
    const handles = new Map<string, FileHandle>()
    for (const name of isS3Url(directory) ? [] : namesIn(manifest)) {
      if (handles.size === MAX_HELD || (await files.stat(name)) === undefined) continue
      const handle = await openFile(join(directory, name))
      if (handle !== undefined) handles.set(name, handle)
    }
    return new HeldFiles(files, handles)
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const handle = this.#handles.get(name)
    const size = (await handle?.stat())?.size ?? 0
    // What is missing or too short is told by whoever reads by name.
    if (handle === undefined || offset + length > size) {
      return this.#files.read(name, offset, length)
    }
    const bytes = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled)
      if (bytesRead === 0) return this.#files.read(name, offset, length)
      filled += bytesRead
    }
    return bytes
  }

  async stat(name: string): Promise<StoredFile | undefined> {
    const handle = this.#handles.get(name)
    return handle === undefined
      ? this.#files.stat(name)
      : { name, bytes: (await handle.stat()).size }
  }

  async close(): Promise<void> {
    for (const handle of this.#handles.values()) await handle.close()
  }
}

/** The files that a manifest names, each once. */
export function namesIn(manifest: CheckpointManifest): string[] {
  return [...new Set(manifest.subtasks.flatMap(({ segments }) => segments.map(({ file }) => file)))]
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EMFILE', 'ENFILE', 'EACCES', 'EIO', 'EISDIR')) {
      return undefined
    }
    throw error
  }
}
