import { dirname } from 'node:path'
import type { FileSystem } from './file-system.ts'

/**
 * Creates a folder and those above it that are missing; their names are durable when it resolves (R26). Resolves with the
 * topmost one that it has made, undefined where all were there.
 */
export async function makeDurable(
  fileSystem: FileSystem,
  path: string,
): Promise<string | undefined> {
  const parent = dirname(path)
  let topmost: string | undefined
  if (parent !== path && (await fileSystem.size(parent)) === undefined) {
    topmost = await makeDurable(fileSystem, parent)
  }
  const isNew = await fileSystem.makeDirectory(path)
  await fileSystem.syncDirectory(parent)
  return topmost ?? (isNew ? path : undefined)
}
