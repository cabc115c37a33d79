import * as fs from 'node:fs/promises'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { emptyInput, missingInput, truncatedInput, unreadableInput } from './file-errors.ts'
import { type FileIdentity, identify } from './file-split.ts'

const GLOB_CHARACTERS = /[*?[\]{}]/

/**
 * Finds the files of a path, sorted by path: one file, the files directly in a folder, or those that match a glob.
 *
 * Names that begin with a dot are left out of folders and globs, since writers keep unfinished files under such names. A path
 * that exists is taken as it is, even with glob characters in it. Reads up to 64 KiB of every file.
 */
export async function listFiles(path: string): Promise<readonly FileIdentity[]> {
  const paths = await findPaths(path)
  const files: FileIdentity[] = []
  for (const file of paths) files.push(await identifyInput(file))
  return files
}

async function findPaths(path: string): Promise<readonly string[]> {
  const kind = await kindOf(path)
  if (kind === 'file') return [path]
  if (kind === 'folder') {
    const names = (await readFolder(path)).filter((name) => !name.startsWith('.'))
    return nonEmpty(path, 'is a folder without files', await onlyFiles(path, names))
  }
  if (kind === 'other') throw unreadableInput(path, 'it is neither a file nor a folder')
  if (!GLOB_CHARACTERS.test(path)) throw missingInput(path)
  return nonEmpty(path, 'matches no file', await matches(path))
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

function nonEmpty(path: string, what: string, files: readonly string[]): readonly string[] {
  if (files.length === 0) throw emptyInput(path, what)
  return files
}

/** A file named .gz must be gzip: read as text, it would be nothing but bad records, or be taken for empty. */
async function identifyInput(path: string): Promise<FileIdentity> {
  const file = await identify(path)
  if (!basename(path).endsWith('.gz') || file.isGzip) return file
  if (file.size < 2) throw truncatedInput(path, 0, `it has ${file.size} bytes`)
  const what =
    'its name ends with .gz, but it does not begin like gzip data (rename it, or write it again)'
  throw unreadableInput(path, what)
}
