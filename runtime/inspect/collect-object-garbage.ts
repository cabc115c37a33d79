import { hostname } from 'node:os'
import { MANIFEST, checkpointFolder } from '../checkpoint/file-names.ts'
import { decodeManifest } from '../checkpoint/manifest-codec.ts'
import { type ObjectPlace, placeIn } from '../checkpoint/object-files.ts'
import { randomId, SystemRandom } from '../clock.ts'
import { StreamError } from '../errors.ts'
import { HeadSession, readJobHead } from '../job/head-session.ts'
import { type JobHead, knowsLineage, publishedIn } from '../job/job-head.ts'
import { HEAD, PROBE } from '../job/s3-home.ts'
import type { Garbage, GarbageFile } from './garbage.ts'
import { namesIn } from './held-files.ts'
import { type CountedLineage, objectGarbage } from './object-garbage.ts'

/** What a manifest is that cannot be read. */
const DAMAGE: ReadonlySet<string> = new Set(['MR_CHECKPOINT_CORRUPT', 'MR_CHECKPOINT_VERSION'])

/**
 * Finds what crashes have left of a job in an object store, as `collectGarbage` does in a folder. There is no lock: with `takesOver` it
 * is removed with the job taken over, so that no run that had it can count on anything of it; else nothing is changed.
 *
 * ```
 *   take over ─▶ list ─▶ is it still ours? ─▶ remove what was listed
 * ```
 *
 * A run that takes the job over in turn after that goes on from what is published, and writes under ids above the highest one listed. What
 * it writes before is not listed, or the job is not ours any more: then `MR_JOB_FENCED`, and nothing is removed.
 *
 * Undefined where there is no job.
 */
export async function collectObjectGarbage(
  place: ObjectPlace,
  options: { readonly takesOver: boolean },
): Promise<Garbage | undefined> {
  const headPlace = placeIn(place, HEAD)
  const before = await readJobHead(headPlace)
  if (before === undefined) return undefined
  const session = options.takesOver ? await takeOver(headPlace, before.job) : undefined
  const listed = await objectsOf(place)
  const uploads = await place.store.listUploads(`${place.prefix}/checkpoints/`)
  const head = session === undefined ? before : await session.read()
  const skipped: string[] = []
  const garbage = await garbageOf({ place, head, listed, skipped, isAlone: session !== undefined })
  const files = garbage.map((key) => ({
    path: `${place.url}${key.slice(place.prefix.length)}`,
    bytes: listed.get(key)!,
  }))
  if (session === undefined) {
    return { ...told(files), skipped, uploads: uploads.length, holder: before.holder }
  }
  const isManifest = (key: string): boolean => key.endsWith(`/${MANIFEST}`)
  await place.store.delete(garbage.filter(isManifest))
  await place.store.delete(garbage.filter((key) => !isManifest(key)))
  for (const upload of uploads) await place.store.abortUpload(upload)
  return { ...told(files), isRemoved: true, skipped, uploads: uploads.length, holder: undefined }
}

function told(files: readonly GarbageFile[]): Pick<Garbage, 'isRunning' | 'isRemoved' | 'files'> {
  return { isRunning: false, isRemoved: false, files }
}

function takeOver(head: ObjectPlace, job: string): Promise<HeadSession> {
  const holder = `"checkpoints gc" (process ${process.pid} on ${hostname()})`
  return HeadSession.takeOver(head, job, { run: randomId(new SystemRandom()), holder })
}

/** Bytes of all objects that are of checkpoints, or that a start was killed over, by key. */
async function objectsOf({ prefix, store }: ObjectPlace): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const begin of [`${prefix}/checkpoints/`, `${prefix}/${PROBE}`]) {
    for await (const { key, bytes } of store.list(begin)) found.set(key, bytes)
  }
  return found
}

async function garbageOf(options: {
  readonly place: ObjectPlace
  readonly head: JobHead
  readonly listed: ReadonlyMap<string, number>
  readonly skipped: string[]
  readonly isAlone: boolean
}): Promise<string[]> {
  const { place, head, listed, skipped, isAlone } = options
  const checkpoints = placeIn(place, 'checkpoints')
  const keys = [...listed.keys()]
  const isInLineage = (key: string): boolean => key.startsWith(`${checkpoints.prefix}/`)
  const begin = checkpoints.prefix.length + 1
  const lineages = Map.groupBy(
    keys.filter(isInLineage),
    (key) => key.slice(begin).split('/', 1)[0]!,
  )
  // A start that goes on now has one, for a moment.
  const garbage = isAlone ? keys.filter((key) => !isInLineage(key)) : []
  for (const [lineage, own] of lineages) {
    const at = placeIn(checkpoints, lineage)
    const { prefix } = at
    const counted = await countedIn(at, head, lineage)
    if (typeof counted === 'string') skipped.push(`${lineage}: ${counted}`)
    else {
      const names = own.map((key) => key.slice(prefix.length + 1))
      garbage.push(...objectGarbage(names, counted, isAlone).map((name) => `${prefix}/${name}`))
    }
  }
  return garbage
}

/** What counts of a lineage, or why that is not known. */
async function countedIn(
  place: ObjectPlace,
  head: JobHead,
  lineage: string,
): Promise<CountedLineage | string> {
  if (!knowsLineage(head, lineage)) return `${HEAD} does not know it`
  const published = publishedIn(head, lineage)
  const named = new Set<string>()
  for (const id of published) {
    const { prefix, url } = placeIn(place, `${checkpointFolder(id)}/${MANIFEST}`)
    try {
      const found = await place.store.get(prefix)
      if (found === undefined) return `the manifest of checkpoint ${id} is missing`
      for (const name of namesIn(decodeManifest(found.body, url))) named.add(name)
    } catch (error) {
      if (!(error instanceof StreamError) || !DAMAGE.has(error.code)) throw error
      return error.message.split('; ')[0]!
    }
  }
  return { published, named }
}
