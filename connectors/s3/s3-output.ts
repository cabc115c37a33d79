import { invariant, type StreamError } from '../../runtime/errors.ts'
import type { ObjectStore, OpenUpload } from '../../runtime/object-store.ts'
import type { PrepareOutputContext } from '../../runtime/sink.ts'
import { fateOf, type Fate } from '../file-output.ts'
import { finishedName, parseOutputName } from '../part-name.ts'
import { cutObject, isCutAlready } from './cut-object.ts'
import { lostUpload, s3OutputConflict } from './s3-output-errors.ts'
import { type GoingPart, goingParts, type S3Part, TOKEN_NAME } from './s3-part.ts'

/** Where a sink writes. */
export interface S3Output {
  /** For messages: `s3://bucket/prefix`. */
  readonly url: string
  /** What keys begin with, each with a slash at its end or empty: of the output, and of records that cannot be written. */
  readonly prefixes: readonly string[]
}

const NONE: ReadonlySet<string> = new Set()

/**
 * Refuses objects that this run does not continue (R2); changes nothing. Costs one request for 1,000 objects below the prefix. What it
 * has found can be given to `prepareS3Output` of the same attempt: attempts before, of other processes too, publish no checkpoint
 * any more, so nothing comes in between that the attempt would have to take back.
 */
export async function checkS3Output(
  store: ObjectStore,
  output: S3Output,
  context: PrepareOutputContext,
): Promise<OutputFates> {
  const found = await findFates(store, output, context)
  refuseConflicts(output, context, found)
  return found
}

/**
 * Makes a prefix ready for an attempt: refuses or removes objects that this run does not continue, ends the uploads of attempts that
 * are over, and finds out that it may write (R2, R3). Nothing is removed when it refuses. Idempotent.
 *
 * Nothing depends on whether all uploads are found: those that are not just cost room.
 */
export async function prepareS3Output(
  store: ObjectStore,
  output: S3Output,
  context: PrepareOutputContext,
  checked?: OutputFates,
): Promise<void> {
  const found = checked ?? (await checkS3Output(store, output, context))
  const { having } = found
  const takenBack = having('take-back')
  const replaces = context.policy === 'replace'
  const replaced = replaces ? having('conflict') : []
  await store.delete([...takenBack, ...replaced])
  const cut = found.grown.filter(({ isOurs }) => isOurs || replaces)
  for (const { part } of cut) await cutObject(store, part)
  await tryOut(store, output, context)
  // Also what a request of the try has begun whose answer was lost.
  await endUploads(store, output, context)
  const after = context.current.checkpointId
  if (takenBack.length > 0) {
    context.log(
      `${output.url}: took back ${objectsOf(takenBack)} committed after checkpoint ${after}`,
    )
  }
  if (cut.length > 0) {
    const keys = cut.map(({ part }) => part.key)
    context.log(`${output.url}: cut ${objectsOf(keys)} back to what checkpoint ${after} has of it`)
  }
  if (replaced.length > 0)
    context.log(`${output.url}: removed ${objectsOf(replaced)} of another run`)
}

/** An object that has more than the checkpoint knows of it, as it went on after that. */
interface GrownObject {
  readonly part: GoingPart
  readonly isOurs: boolean
}

/** What is below the prefixes of a sink, as it matters to an attempt. */
export interface OutputFates {
  /** The keys of a fate. */
  readonly having: (fate: Fate) => string[]
  readonly grown: readonly GrownObject[]
}

async function findFates(
  store: ObjectStore,
  output: S3Output,
  context: PrepareOutputContext,
): Promise<OutputFates> {
  const having = await keysByFate(store, output, context)
  const grown: GrownObject[] = []
  for (const part of goingParts(context.pending as readonly S3Part[])) {
    const there = await store.head(part.key)
    if (there === undefined || (await isCutAlready(store, part, there.bytes))) continue
    if (there.metadata[TOKEN_NAME] !== part.token || there.bytes < part.bytes) {
      throw lostUpload(part.key, true)
    }
    const found = parseOutputName(nameOf(part.key))
    const isOurs = found.state === 'finished' && found.part.lineage === context.current.lineage
    grown.push({ part, isOurs })
  }
  return { having, grown }
}

async function keysByFate(
  store: ObjectStore,
  { prefixes }: S3Output,
  context: PrepareOutputContext,
): Promise<(fate: Fate) => string[]> {
  const keys: Partial<Record<Fate, string[]>> = {}
  for (const prefix of prefixes) {
    for await (const { key } of store.list(prefix)) {
      const fate = fateOf(nameOf(key), context, NONE)
      if (fate !== 'leave') (keys[fate] ??= []).push(key)
    }
  }
  return (fate) => keys[fate] ?? []
}

function refuseConflicts(
  { url }: S3Output,
  { policy }: PrepareOutputContext,
  { having, grown }: OutputFates,
): void {
  const grownElsewhere = grown.filter(({ isOurs }) => !isOurs).map(({ part }) => part.key)
  const conflicts = [...having('conflict'), ...grownElsewhere]
  if (policy === 'refuse' && conflicts.length > 0) throw s3OutputConflict(url, conflicts)
}

/** No attempt of this lineage is running by now: of its uploads only those that the checkpoint counts on are needed. */
async function endUploads(
  store: ObjectStore,
  { prefixes }: S3Output,
  { current, policy, pending, log }: PrepareOutputContext,
): Promise<void> {
  const needed = new Set(
    (pending as readonly S3Part[]).flatMap((part) => ('uploadId' in part ? [part.uploadId] : [])),
  )
  for (const prefix of prefixes) {
    for (const upload of await uploadsBelow(store, prefix, log)) {
      const found = parseOutputName(nameOf(upload.key))
      if (found.state !== 'finished' || needed.has(upload.uploadId)) continue
      const isOurs = found.part.lineage === current.lineage
      if (isOurs || policy === 'replace') await store.abortUpload(upload)
    }
  }
}

/** Those that are open below a prefix; none, and a line, where these credentials may not list them, or the store cannot. */
async function uploadsBelow(
  store: ObjectStore,
  prefix: string,
  log: (message: string) => void,
): Promise<readonly OpenUpload[]> {
  try {
    return await store.listUploads(prefix)
  } catch (error) {
    const { code, message } = error as StreamError
    if (code !== 'MR_AWS_REFUSED' && code !== 'MR_AWS_FAILED') throw error
    log(`uploads that earlier attempts have left open stay, as they cannot be listed: ${message}`)
    return []
  }
}

/** Finds out, before any input is read, that objects can be written; leaves nothing. */
async function tryOut(
  store: ObjectStore,
  { prefixes }: S3Output,
  { current: { lineage } }: PrepareOutputContext,
): Promise<void> {
  const name = finishedName({ lineage, checkpointId: 0, subtaskIndex: 0, n: 0, suffix: '' })
  const found = parseOutputName(name)
  invariant(found.state === 'finished', `lineage ${lineage} cannot be part of a name`)
  for (const prefix of prefixes) {
    const key = prefix + name
    const uploadId = await store.createUpload(key)
    await store.abortUpload({ key, uploadId })
  }
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

function objectsOf(keys: readonly string[]): string {
  return keys.length === 1 ? `1 object (${keys[0]})` : `${keys.length} objects`
}
