import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'

/** Makes folders that are removed after each test, or after all of them. */
export function temporaryFolders(after: typeof afterEach = afterEach): () => Promise<string> {
  const made: string[] = []
  after(async () => {
    for (const path of made.splice(0)) await rm(path, { recursive: true, force: true })
  })
  return async () => {
    const path = await mkdtemp(join(tmpdir(), 'millrace-job-'))
    made.push(path)
    return path
  }
}
