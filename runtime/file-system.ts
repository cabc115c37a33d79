import { constants, readSync } from 'node:fs'
import * as fs from 'node:fs/promises'

/** An open file, written front to back. */
export interface WritableFile {
  write(chunk: Uint8Array): Promise<void>
  /** Makes what was written durable (fsync). */
  sync(): Promise<void>
  close(): Promise<void>
}

/** An open file that is read; it can be read to its end even when its name has been removed meanwhile. */
export interface ReadableFile {
  /** As many bytes as there are, up to `length`. */
  read(offset: number, length: number): Promise<Uint8Array>
  /**
   * Fills `target` at once, as far as there are bytes, and returns how many: blocks the thread, for some 5 µs where the
   * operating system has them in memory.
   */
  readSync(offset: number, target: Uint8Array): number
  close(): Promise<void>
}

/**
 * The calls of a file system on which durability depends; a test implementation drops whatever was not synced (R26).
 *
 * Paths are absolute. A name (created, renamed, linked, removed) is durable only after `syncDirectory` of its folder.
 */
export interface FileSystem {
  /** Creates a file that must not exist, mode 0600. */
  create(path: string): Promise<WritableFile>
  rename(from: string, to: string): Promise<void>
  /** Makes a second name; fails with EEXIST where there is one: the create-only publication. */
  link(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Creates a folder, mode 0700; resolves with false where it exists. */
  makeDirectory(path: string): Promise<boolean>
  removeDirectory(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Names in a folder, sorted; an empty list where there is none. */
  list(path: string): Promise<readonly string[]>
  /** Length in bytes, undefined where there is no such file. */
  size(path: string): Promise<number | undefined>
  read(path: string, offset: number, length: number): Promise<Uint8Array>
  /** Opens a file that is there; ENOENT else. */
  open(path: string): Promise<ReadableFile>
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as { code?: string }).code ?? '')
}

/** The file system of Node. On Windows syncing a folder is skipped, as it is not possible there. */
export const nodeFileSystem: FileSystem = {
  async create(path) {
    const handle = await fs.open(
      path,
      constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY,
      0o600,
    )
    return {
      async write(chunk) {
        let written = 0
        while (written < chunk.byteLength) {
          written += (await handle.write(chunk, written, chunk.byteLength - written)).bytesWritten
        }
      },
      sync: () => handle.sync(),
      close: () => handle.close(),
    }
  },
  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  unlink: (path) => fs.unlink(path),
  async makeDirectory(path) {
    try {
      await fs.mkdir(path, { mode: 0o700 })
      return true
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false
      throw error
    }
  },
  removeDirectory: (path) => fs.rmdir(path),
  async syncDirectory(path) {
    if (process.platform === 'win32') return
    const handle = await fs.open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  async list(path) {
    try {
      return (await fs.readdir(path)).sort()
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return []
      throw error
    }
  },
  async size(path) {
    try {
      return (await fs.stat(path)).size
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    }
  },
  async read(path, offset, length) {
    const handle = await fs.open(path, 'r')
    try {
      return await readFrom(handle, offset, length)
    } finally {
      await handle.close()
    }
  },
  async open(path) {
    const handle = await fs.open(path, 'r')
    return {
      read: (offset, length) => readFrom(handle, offset, length),
      readSync: (offset, target) => readSyncFrom(handle.fd, offset, target),
      close: () => handle.close(),
    }
  },
}

async function readFrom(
  handle: fs.FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

function readSyncFrom(descriptor: number, offset: number, target: Uint8Array): number {
  const { length } = target
  let filled = 0
  while (filled < length) {
    const bytesRead = readSync(descriptor, target, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
