import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MANIFEST } from '../../runtime/checkpoint/file-names.ts'
import { decodeManifest } from '../../runtime/checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../../runtime/checkpoint/manifest.ts'

/** What is in the state directory of a job. */
export interface StateFolder {
  readonly names: readonly string[]
  readonly lineages: readonly string[]
  /** Ascending by id. */
  readonly published: readonly CheckpointManifest[]
  /** Ids whose folder has no manifest, ascending. */
  readonly unpublished: readonly number[]
  /** Files of checkpoints that no manifest names. */
  readonly unnamed: readonly string[]
  readonly bytes: number
  readonly attempts: number
}

/** Reads the state directory of a job that does not run; an empty one if there is none. */
export async function readStateFolder(directory: string): Promise<StateFolder> {
  const checkpoints = join(directory, 'checkpoints')
  const published: CheckpointManifest[] = []
  const unpublished: number[] = []
  const files: string[] = []
  const lineages = await names(checkpoints)
  for (const lineage of lineages) {
    for (const folder of await names(join(checkpoints, lineage))) {
      const inside = await names(join(checkpoints, lineage, folder))
      const path = join(checkpoints, lineage, folder, MANIFEST)
      if (inside.includes(MANIFEST)) published.push(decodeManifest(await readFile(path), path))
      else unpublished.push(Number(folder.replace('chk-', '')))
      files.push(...inside.filter((name) => name !== MANIFEST).map((name) => `${folder}/${name}`))
    }
  }
  const named = new Set(
    published.flatMap(({ subtasks }) =>
      subtasks.flatMap(({ segments }) => segments.map(({ file }) => file)),
    ),
  )
  return {
    names: await names(directory),
    lineages,
    published: published.sort((a, b) => a.checkpointId - b.checkpointId),
    unpublished: unpublished.sort((a, b) => a - b),
    unnamed: files.filter((file) => !named.has(file)),
    bytes: await bytesIn(checkpoints),
    attempts: (await names(join(directory, 'work'))).length,
  }
}

/** Names in a folder; none where it is not there. */
export async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return []
    throw error
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await names(folder)) {
    const path = join(folder, name)
    const found = await stat(path)
    bytes += found.isDirectory() ? await bytesIn(path) : found.size
  }
  return bytes
}
