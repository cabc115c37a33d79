import { basename } from 'node:path/posix'
import { truncatedInput, unreadableInput } from './file-errors.ts'
import { type FileIdentity, identify } from './file-split.ts'
import type { InputFiles } from './input-files.ts'

/**
 * Finds the files of a path, sorted, and looks at each that `isKnown` does not know. Reads up to 64 KiB of every file.
 */
export async function listFiles(
  files: InputFiles,
  path: string,
  isKnown: (path: string) => boolean = () => false,
): Promise<readonly FileIdentity[]> {
  const found: FileIdentity[] = []
  for (const file of await files.find(path)) {
    if (!isKnown(file)) found.push(await identifyInput(files, file))
  }
  return found
}

/** A file named .gz must be gzip: read as text, it would be nothing but bad records, or be taken for empty. */
async function identifyInput(files: InputFiles, path: string): Promise<FileIdentity> {
  const file = await identify(files, path)
  if (!basename(path).endsWith('.gz') || file.isGzip) return file
  if (file.size < 2) throw truncatedInput(path, 0, `it has ${file.size} bytes`)
  const what =
    'its name ends with .gz, but it does not begin like gzip data (rename it, or write it again)'
  throw unreadableInput(path, what)
}
