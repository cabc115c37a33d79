import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, realpath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../node_modules/.cache/millrace/servers', import.meta.url))

const asked = new Map<string, Promise<string>>()

/**
 * The folder with that name in the cache of test servers, made by `make` when there is none yet; resolves with its real path.
 *
 * `make` fills a folder of its own, which gets the name only when all is in it. Several processes may ask at once: each works for
 * itself, the first one to be ready wins, and the others take its folder.
 */
export function cachedFolder(
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  let folder = asked.get(name)
  if (folder === undefined) {
    folder = madeOnce(name, make)
    asked.set(name, folder)
    folder.catch(() => asked.delete(name))
  }
  return folder
}

async function madeOnce(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const target = join(root, name)
  if (!existsSync(target)) {
    const draft = join(root, `.${name}-${randomUUID()}`)
    await mkdir(draft, { recursive: true })
    try {
      await make(draft)
      await rename(draft, target)
    } catch (error) {
      // A folder that is not empty is not renamed over: another process was ready first.
      if (!existsSync(target)) throw error
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }
  return realpath(target)
}
