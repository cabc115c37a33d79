import { basename, join } from 'node:path'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { checkpointFolder } from '../checkpoint/file-names.ts'
import { createFileStorage } from '../checkpoint/file-storage.ts'
import { validateManifestFiles } from '../checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import type { JobRecord } from '../job/lineage.ts'
import type { LineagePoint } from '../sink.ts'
import { type Location, locate } from './locate.ts'

/** A checkpoint as a list shows it. */
export interface ListedCheckpoint {
  readonly lineage: string
  readonly checkpointId: number
  /** Absolute. */
  readonly path: string
  /** What is wrong with it, by which a restore would pass it over; all below is undefined if its manifest is damaged. */
  readonly damage: string | undefined
  readonly kind: CheckpointManifest['kind'] | undefined
  /** Milliseconds since 1970. */
  readonly createdAt: number | undefined
  readonly parallelism: number | undefined
  /** Bytes of all files that it needs, and of those that were written for it. */
  readonly bytes: number | undefined
  readonly ownBytes: number | undefined
  /** Where its lineage began, nearest first. */
  readonly ancestry: readonly LineagePoint[]
  /** Output after it has been taken back: no run goes on from it (R3). */
  readonly isAbandoned: boolean
  /** A run of the job without flags would go on from it. */
  readonly isNext: boolean
}

/**
 * Lists the checkpoints at a path, lineage by lineage in the order they were begun, ascending. Reads manifests only; a
 * checkpoint that a running job removes meanwhile is left out.
 *
 * Fails as `locate` does.
 */
export async function listCheckpoints(path: string): Promise<ListedCheckpoint[]> {
  const location = await locate(path)
  if (location.kind !== 'job') {
    const listed = await listLineage(location.directory, undefined)
    if (location.kind === 'lineage') return listed
    return listed.filter((one) => one.checkpointId === location.checkpointId)
  }
  const checkpoints = join(location.directory, 'checkpoints')
  const lists: ListedCheckpoint[][] = []
  for (const lineage of await lineagesOf(location, checkpoints)) {
    lists.push(await listLineage(join(checkpoints, lineage), location.record))
  }
  return lists.flat()
}

/** Those that the job remembers, in their order, then those that it has forgotten. */
async function lineagesOf(
  { record }: Location & { kind: 'job' },
  checkpoints: string,
): Promise<string[]> {
  const there = await nodeFileSystem.list(checkpoints)
  const known = (record?.lineages ?? []).map(({ lineage }) => lineage)
  return [
    ...known.filter((lineage) => there.includes(lineage)),
    ...there.filter((one) => !known.includes(one)),
  ]
}

async function listLineage(
  directory: string,
  record: JobRecord | undefined,
): Promise<ListedCheckpoint[]> {
  const storage = createFileStorage({ directory, fileSystem: nodeFileSystem })
  const lineage = basename(directory)
  const abandoned = record?.lineages.find((one) => one.lineage === lineage)?.abandoned ?? []
  const listed: ListedCheckpoint[] = []
  for (const checkpointId of await storage.list()) {
    const path = join(directory, checkpointFolder(checkpointId))
    const found = await readOne(storage, checkpointId)
    if (found === undefined) continue
    const isAbandoned = abandoned.includes(checkpointId)
    listed.push({ lineage, checkpointId, path, isAbandoned, isNext: false, ...found })
  }
  if (record?.current !== lineage) return listed
  const next = listed.findLast((one) => !one.isAbandoned && one.damage === undefined)
  return listed.map((one) => (one === next ? { ...one, isNext: true } : one))
}

type Facts = Omit<ListedCheckpoint, 'lineage' | 'checkpointId' | 'path' | 'isAbandoned' | 'isNext'>

const UNKNOWN: Omit<Facts, 'damage'> = {
  kind: undefined,
  createdAt: undefined,
  parallelism: undefined,
  bytes: undefined,
  ownBytes: undefined,
  ancestry: [],
}

/** Undefined for one that is gone by now. */
async function readOne(
  storage: CheckpointStorage,
  checkpointId: number,
): Promise<Facts | undefined> {
  let facts: Omit<Facts, 'damage'> = UNKNOWN
  try {
    const manifest = await storage.readManifest(checkpointId)
    facts = factsOf(manifest)
    await validateManifestFiles(storage, manifest)
    return { ...facts, damage: undefined }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    if (!(await storage.list()).includes(checkpointId)) return undefined
    return { ...facts, damage: error.message }
  }
}

function factsOf(manifest: CheckpointManifest): Omit<Facts, 'damage'> {
  const { checkpointId, kind, createdAt, parallelism, ancestry } = manifest
  const files = new Map(
    manifest.subtasks.flatMap(({ segments }) => segments.map(({ file, bytes }) => [file, bytes])),
  )
  const own = [...files].filter(([file]) => file.startsWith(`${checkpointFolder(checkpointId)}/`))
  const sum = (all: Iterable<readonly [string, number]>): number =>
    [...all].reduce((total, [, bytes]) => total + bytes, 0)
  return { kind, createdAt, parallelism, bytes: sum(files), ownBytes: sum(own), ancestry }
}
