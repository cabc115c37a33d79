import { basename, dirname } from 'node:path'
import { checkpointFolder, checkpointIdOf } from '../checkpoint/file-names.ts'
import { validateManifestFiles } from '../checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import type { JobRecord } from '../job/lineage.ts'
import { joinPlace } from '../job/place-names.ts'
import { filesAt, placesOf } from '../job/snapshot-places.ts'
import type { LineagePoint } from '../sink.ts'
import { readSnapshotManifest } from './find-snapshot.ts'
import { type Location, locate, savepointsIn } from './locate.ts'

/** A checkpoint as a list shows it. */
export interface ListedCheckpoint {
  readonly lineage: string
  readonly checkpointId: number
  /** Absolute, or `s3://…`. */
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
 * Lists the checkpoints at a path, lineage by lineage in the order they were begun, ascending; of a job its savepoints too, as far
 * as they are in its folder. Reads manifests only; a checkpoint that a running job removes meanwhile is left out.
 *
 * Fails as `locate` does.
 */
export async function listCheckpoints(path: string): Promise<ListedCheckpoint[]> {
  const location = await locate(path)
  if (location.kind === 'lineage') return listLineage(location.directory, undefined)
  if (location.kind === 'snapshot') return listOne(location.directory)
  const checkpoints = joinPlace(location.directory, 'checkpoints')
  const lists: ListedCheckpoint[][] = []
  for (const lineage of await lineagesOf(location, checkpoints)) {
    lists.push(await listLineage(joinPlace(checkpoints, lineage), location.record))
  }
  for (const path of await savepointsIn(location.directory)) lists.push(await listOne(path))
  return lists.flat()
}

/** Those that the job remembers, in their order, then those that it has forgotten. */
async function lineagesOf(
  { record }: Location & { kind: 'job' },
  checkpoints: string,
): Promise<string[]> {
  const there = await placesOf(checkpoints, nodeFileSystem).names(checkpoints)
  const known = (record?.lineages ?? []).map(({ lineage }) => lineage)
  return [
    ...known.filter((lineage) => there.includes(lineage)),
    ...there.filter((one) => !known.includes(one)),
  ]
}

async function listOne(path: string): Promise<ListedCheckpoint[]> {
  const found = await readOne(path)
  return found === undefined ? [] : [{ ...found, isAbandoned: false, isNext: false }]
}

async function listLineage(
  directory: string,
  record: JobRecord | undefined,
): Promise<ListedCheckpoint[]> {
  const storage = placesOf(directory, nodeFileSystem).lineage(directory)
  const lineage = basename(directory)
  const abandoned = record?.lineages.find((one) => one.lineage === lineage)?.abandoned ?? []
  const listed: ListedCheckpoint[] = []
  for (const checkpointId of await storage.list()) {
    const found = await readOne(joinPlace(directory, checkpointFolder(checkpointId)))
    const isAbandoned = abandoned.includes(checkpointId)
    if (found !== undefined) listed.push({ ...found, isAbandoned, isNext: false })
  }
  if (record?.current !== lineage) return listed
  const next = listed.findLast((one) => !one.isAbandoned && one.damage === undefined)
  return listed.map((one) => (one === next ? { ...one, isNext: true } : one))
}

type Facts = Omit<ListedCheckpoint, 'isAbandoned' | 'isNext'>

/** Undefined for one that is gone by now. */
async function readOne(path: string): Promise<Facts | undefined> {
  let facts = unknownFacts(path)
  try {
    const { manifest, directory } = await readSnapshotManifest(path)
    facts = factsOf(manifest, path)
    await validateManifestFiles(filesAt(directory, nodeFileSystem), manifest)
    return facts
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    if (!(await placesOf(path, nodeFileSystem).hasManifest(path))) return undefined
    return { ...facts, damage: error.message }
  }
}

/** What the place of a checkpoint says of it, where its manifest is damaged. */
function unknownFacts(path: string): Facts {
  return {
    lineage: basename(dirname(path)),
    checkpointId: checkpointIdOf(basename(path)) ?? 0,
    path,
    damage: undefined,
    kind: undefined,
    createdAt: undefined,
    parallelism: undefined,
    bytes: undefined,
    ownBytes: undefined,
    ancestry: [],
  }
}

function factsOf(manifest: CheckpointManifest, path: string): Facts {
  const { lineage, checkpointId, kind, createdAt, parallelism, ancestry } = manifest
  const files = new Map(
    manifest.subtasks.flatMap(({ segments }) => segments.map(({ file, bytes }) => [file, bytes])),
  )
  const isOwn = (file: string): boolean =>
    kind === 'savepoint' || file.startsWith(`${checkpointFolder(checkpointId)}/`)
  const own = [...files].filter(([file]) => isOwn(file))
  const sum = (all: Iterable<readonly [string, number]>): number =>
    [...all].reduce((total, [, bytes]) => total + bytes, 0)
  return {
    ...{ lineage, checkpointId, path, damage: undefined, kind, createdAt, parallelism, ancestry },
    ...{ bytes: sum(files), ownBytes: sum(own) },
  }
}
