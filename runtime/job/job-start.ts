import { isS3Url } from '../aws/s3-url.ts'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import type { FailpointHook } from '../failpoint.ts'
import { Claim } from './claim.ts'
import { type ClaimTarget, FolderClaim, ObjectClaim } from './claim-target.ts'
import { readOrigin, readSnapshot, type Snapshot, snapshotFolder } from './from-snapshot.ts'
import type { JobHome } from './job-home.ts'
import { changedSources, type JobSources } from './job-sources.ts'
import {
  decideStart,
  type FromSnapshot,
  type JobRecord,
  type Start,
  withLineage,
} from './lineage.ts'
import { openS3Place } from './s3-places.ts'

export interface JobStartOptions {
  readonly directory: JobHome
  readonly job: string
  readonly fresh: boolean
  /** Path of a snapshot (`--from`). */
  readonly from: string | undefined
  /** The job takes it over. */
  readonly claim: boolean
  readonly newLineage: string
  readonly fileSystem: FileSystem
  readonly failpoint: FailpointHook
}

/**
 * What a start goes on from. Nothing is changed on the disk until `commit`, so that a run that is refused leaves
 * everything as it was.
 */
export class JobStart {
  readonly start: Start
  /** The folder of the lineage's checkpoints. */
  readonly checkpointDirectory: string
  readonly storage: CheckpointStorage
  /** The newest checkpoint of the lineage that can be read, for its parallelism and for comparisons. */
  readonly newest: CheckpointManifest | undefined
  /** The snapshot that the lineage began from, while it has no checkpoint of its own. */
  readonly foreign: Snapshot | undefined
  /** The same where it is taken over: it will be the first checkpoint. */
  readonly claim: Claim | undefined
  readonly #directory: JobHome
  #record: Start['record']

  private constructor(
    directory: JobHome,
    start: Start,
    found: Pick<JobStart, 'checkpointDirectory' | 'storage' | 'newest' | 'foreign' | 'claim'>,
  ) {
    this.#directory = directory
    this.start = start
    this.#record = start.record
    this.checkpointDirectory = found.checkpointDirectory
    this.storage = found.storage
    this.newest = found.newest
    this.foreign = found.foreign
    this.claim = found.claim
  }

  /** Finds out what a start means (R1, R2). */
  static async find(options: JobStartOptions): Promise<JobStart> {
    const { directory, job, fresh, newLineage, fileSystem, failpoint } = options
    const given = await readGiven(options.from, fileSystem)
    const record = fresh ? undefined : await directory.readRecord(job)
    const from = options.from === undefined ? undefined : pointOf(given, record, options)
    const start = decideStart({ job, record, fresh, from, newLineage })
    const { lineage, ancestry, abandoned, origin } = start.lineage
    const checkpointDirectory = directory.checkpointsOf(lineage)
    const storage = directory.storageOf(lineage)
    const ids = await storage.list()
    const newest = await newestReadable(storage, ids, abandoned)
    let claim: Claim | undefined
    let foreign: Snapshot | undefined
    if (ids.length === 0 && origin !== undefined) {
      const snapshot = 'manifest' in given ? given : await readOrigin(origin, fileSystem)
      if (origin.isClaimed === true) {
        const target = claimTargetAt(checkpointDirectory, storage, fileSystem)
        const place = { directory: checkpointDirectory, target, fileSystem, failpoint }
        claim = new Claim({ snapshot, lineage, ancestry, ...place })
      } else foreign = snapshot
    }
    return new JobStart(directory, start, { checkpointDirectory, storage, newest, foreign, claim })
  }

  /** What the run goes on from, if that can be read. */
  get base(): CheckpointManifest | undefined {
    return this.newest ?? this.claim?.manifest ?? this.foreign?.manifest
  }

  /** Makes the start so: the job taken, old state aside, the lineage remembered, its folder there, a snapshot taken over. */
  async commit(): Promise<string | undefined> {
    await this.#directory.take()
    const aside = this.start.setsAside ? await this.#directory.setAside() : undefined
    await this.#directory.writeRecord(this.#record)
    await this.#directory.create(this.checkpointDirectory)
    await this.claim?.take()
    return aside
  }

  isCommitted(checkpointId: number): boolean {
    return this.#lineage.committed === checkpointId
  }

  async markCommitted(checkpointId: number): Promise<void> {
    if (this.isCommitted(checkpointId)) return
    await this.#change({ ...this.#lineage, committed: checkpointId })
  }

  async abandon(checkpointIds: readonly number[]): Promise<void> {
    const abandoned = [...new Set([...this.#lineage.abandoned, ...checkpointIds])]
    await this.#change({ ...this.#lineage, abandoned })
  }

  get #lineage(): Start['lineage'] {
    const { lineages, current } = this.#record
    return lineages.find((one) => one.lineage === current)!
  }

  async #change(lineage: Start['lineage']): Promise<void> {
    this.#record = withLineage(this.#record, lineage)
    await this.#directory.writeRecord(this.#record)
  }
}

/** What `--from` names, or why that cannot be read. */
async function readGiven(
  from: string | undefined,
  fileSystem: FileSystem,
): Promise<Snapshot | { readonly error: unknown }> {
  if (from === undefined) return { error: undefined }
  try {
    return await readSnapshot(from, fileSystem)
  } catch (error) {
    return { error }
  }
}

/** The snapshot that `--from` names; one that was taken over is known by the place where it was (R2). */
function pointOf(
  given: Snapshot | { readonly error: unknown },
  record: JobRecord | undefined,
  { from, claim }: Pick<JobStartOptions, 'from' | 'claim'>,
): FromSnapshot {
  if ('manifest' in given) {
    const { lineage, checkpointId, ancestry } = given.manifest
    const { directory } = given
    const point = { lineage, checkpointId }
    return { point, directory, ancestry, ...(claim ? { isClaimed: true } : {}) }
  }
  const { error } = given
  const isGone = error instanceof StreamError && error.code === 'MR_CHECKPOINT_NOT_FOUND'
  const folder = snapshotFolder(from!)
  const known = record?.lineages.findLast(({ origin }) => {
    return isGone && origin?.isClaimed === true && origin.directory === folder
  })
  if (known === undefined) throw error
  return { ...known.origin!, ancestry: known.ancestry.slice(1) }
}

function claimTargetAt(
  directory: string,
  storage: CheckpointStorage,
  fileSystem: FileSystem,
): ClaimTarget {
  if (!isS3Url(directory)) return new FolderClaim(directory, fileSystem)
  return new ObjectClaim(openS3Place(directory), storage)
}

async function newestReadable(
  storage: CheckpointStorage,
  ids: readonly number[],
  abandoned: readonly number[],
): Promise<CheckpointManifest | undefined> {
  for (const id of [...ids].reverse()) {
    if (abandoned.includes(id)) continue
    try {
      return await storage.readManifest(id)
    } catch (error) {
      // A damaged one is judged, and told, where it is chosen what to restore.
      if (!(error instanceof StreamError) || error.code !== 'MR_CHECKPOINT_CORRUPT') throw error
    }
  }
  return undefined
}

/** What the user should know of what a start goes on from, and of the difference between then and now (N18, N22, N23). */
export function startNotes(options: {
  readonly start: Start
  readonly from: string | undefined
  readonly base: CheckpointManifest | undefined
  readonly sources: JobSources
  readonly workingDirectory: string
}): string[] {
  const { start, base, sources, workingDirectory } = options
  const notes: string[] = []
  if (start.repeatsFrom) {
    notes.push(`goes on with lineage ${start.lineage.lineage}, which --from ${options.from} began`)
  }
  if (base === undefined) return notes
  if (base.lineage !== start.lineage.lineage) {
    notes.push(
      `checkpoint ${base.checkpointId} of lineage ${base.lineage} is needed until the first checkpoint of this run`,
    )
  }
  // A savepoint that a program has written from nothing knows no sources.
  const isKnown = Object.keys(base.sources).length > 0
  const changed = isKnown ? changedSources(base.sources, sources) : []
  if (changed.length > 0) {
    const wayOn = base.kind === 'final' ? '; --fresh runs the changed job' : ''
    notes.push(`${changed.join(', ')} changed since checkpoint ${base.checkpointId}${wayOn}`)
  }
  if (base.workingDirectory !== workingDirectory) {
    notes.push(
      `the working directory was ${base.workingDirectory}, is now ${workingDirectory}: relative paths in the job lead elsewhere`,
    )
  }
  return notes
}
