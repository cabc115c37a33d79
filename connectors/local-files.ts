import * as fs from 'node:fs/promises'
import { dirname, relative, resolve, sep } from 'node:path'
import { missingInput, unreadableInput } from './file-errors.ts'
import { GLOB_CHARACTERS, type InputFile, type InputFiles } from './input-files.ts'

/** What is read in one go. */
const CHUNK_BYTES = 64 * 1024

/** Files on disks. A path that exists is taken as it is, even with glob characters in it. */
export const localFiles: InputFiles = {
  async find(path) {
    const kind = await kindOf(path)
    if (kind === 'file') return [path]
    if (kind === 'folder') {
      const names = (await readFolder(path)).filter((name) => !name.startsWith('.'))
      return onlyFiles(path, names)
    }
    if (kind === 'other') throw unreadableInput(path, 'it is neither a file nor a folder')
    if (!GLOB_CHARACTERS.test(path)) throw missingInput(path)
    return matches(path)
  },
  async open(path) {
    const handle = await fs.open(path, 'r')
    try {
      return new LocalFile(handle, (await handle.stat()).size)
    } catch (error) {
      await handle.close()
      throw error
    }
  },
  close() {},
}

class LocalFile implements InputFile {
  readonly size: number
  readonly #handle: fs.FileHandle

  constructor(handle: fs.FileHandle, size: number) {
    this.#handle = handle
    this.size = size
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(
        buffer,
        filled,
        length - filled,
        offset + filled,
      )
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }

  async *stream(from: number, to: number): AsyncGenerator<Buffer> {
    for (let position = from; position < to;) {
      const chunk = await this.read(position, Math.min(CHUNK_BYTES, to - position))
      if (chunk.length === 0) return
      position += chunk.length
      yield chunk
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** Files that match a glob. What exists of the pattern's path is no pattern, even with glob characters in it. */
async function matches(pattern: string): Promise<readonly string[]> {
  let folder = dirname(pattern)
  while ((await kindOf(folder)) === 'missing') folder = dirname(folder)
  const found: string[] = []
  try {
    for await (const name of fs.glob(relative(folder, pattern), { cwd: folder })) found.push(name)
  } catch (error) {
    throw unreadableInput(folder, error)
  }
  const visible = found.filter((name) => !name.split(sep).some((part) => part.startsWith('.')))
  return onlyFiles(folder, visible)
}

type Kind = 'file' | 'folder' | 'other' | 'missing'

async function kindOf(path: string): Promise<Kind> {
  try {
    const stats = await fs.stat(path)
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other'
  } catch (error) {
    const code = (error as { code?: string }).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing'
    throw unreadableInput(path, error)
  }
}

async function readFolder(path: string): Promise<readonly string[]> {
  try {
    return await fs.readdir(path)
  } catch (error) {
    throw unreadableInput(path, error)
  }
}

/** Absolute paths of those names that are files; one that is not there (any more) fails. */
async function onlyFiles(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const files: string[] = []
  for (const name of names) {
    const path = resolve(folder, name)
    const kind = await kindOf(path)
    if (kind === 'missing') throw missingInput(path)
    if (kind === 'file') files.push(path)
  }
  return files.sort()
}
