import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectStore } from '../../runtime/object-store.ts'

/** Fetches all objects whose keys begin so into a folder, each under its key. */
export async function download(store: ObjectStore, prefix: string, folder: string): Promise<void> {
  for await (const { key } of store.list(prefix)) {
    const path = join(folder, key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, (await store.get(key))!.body)
  }
}
