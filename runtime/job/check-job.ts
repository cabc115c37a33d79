import { availableParallelism } from 'node:os'
import { checkpointFolder, MANIFEST } from '../checkpoint/file-names.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import { selectBase } from './base-selection.ts'
import type { JobHome } from './job-home.ts'
import { DEFAULT_MAX_PARALLELISM } from './job-module.ts'
import { hashJobSources } from './job-sources.ts'
import { JobStart, startNotes } from './job-start.ts'
import { lookIntoHome } from './open-home.ts'
import { joinPlace } from './place-names.ts'
import { jobUrlOf, type PlannedJob, Planner } from './planning.ts'
import { renameNotes, renameUids } from './renamed-uids.ts'
import { resetWatermarks } from './reset-watermarks.ts'
import { endedProblems, restoreNotes, restoreProblems } from './restore-checks.ts'
import { type MappedOperator, mapRestore } from './restore-map.ts'

export interface CheckJobOptions {
  /** A snapshot; default: what `run` would go on from. */
  readonly from?: string
  readonly dir?: string
  readonly parallelism?: number
  readonly params?: Readonly<Record<string, unknown>>
  readonly allowRewind?: boolean
  readonly allowNonRestoredState?: boolean
  /** Lines that the job module writes to its console. */
  readonly onLog?: (line: string) => void
}

/** What a start of a job would find. */
export interface JobCheck {
  readonly job: string
  readonly parallelism: number
  /** What it would go on from; undefined where it would begin anew, or nothing of it can be read. */
  readonly snapshot: CheckedSnapshot | undefined
  /** It has ended, and would only say so. */
  readonly hasEnded: boolean
  readonly operators: readonly MappedOperator[]
  /** What the user should read: changed parameters, files, parallelism. */
  readonly notes: readonly string[]
  /** Why it would not start: every reason that can be told without starting anything; empty if it would. */
  readonly problems: readonly StreamError[]
}

export interface CheckedSnapshot extends Pick<
  CheckpointManifest,
  'lineage' | 'checkpointId' | 'kind' | 'createdAt' | 'parallelism'
> {
  /** The folder of the checkpoint or savepoint. */
  readonly path: string
  /** Of all files that it needs. */
  readonly bytes: number
}

const DEFAULT_DIR = '.millrace'

/**
 * Says whether a job could go on from a snapshot, and what would become of its state, by the code that a start itself uses.
 * Nothing is started or written, and no lock is taken: the job may be running. What only sources and sinks can tell, such
 * as input that has changed or output in the way, is found at the start.
 *
 * Rejects where the graph of the job cannot be built.
 */
export async function checkJob(
  job: URL | string,
  options: CheckJobOptions = {},
): Promise<JobCheck> {
  const jobUrl = jobUrlOf(job)
  const { onLog = () => {} } = options
  const planner = new Planner(jobUrl, { onLog })
  try {
    const { name } = await planner.describe()
    const directory = lookIntoHome(options.dir ?? DEFAULT_DIR, name, nodeFileSystem)
    const start = await settled(() => findStart(directory, name, options.from))
    const base = start instanceof StreamError ? undefined : start.base
    const planned = await planner.build({
      params: options.params ?? {},
      parallelism: options.parallelism ?? base?.parallelism ?? availableParallelism(),
      maxParallelism: base?.maxParallelism ?? DEFAULT_MAX_PARALLELISM,
    })
    if (start instanceof StreamError) return refused(planned, [start])
    return await compare(jobUrl, planned, start, options)
  } finally {
    await planner.end()
  }
}

/** A coded failure as a value: it is a reason, not the end of the check. */
async function settled<T>(work: () => T | Promise<T>): Promise<T | StreamError> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StreamError) return error
    throw error
  }
}

function findStart(directory: JobHome, job: string, from: string | undefined): Promise<JobStart> {
  return JobStart.find({
    directory,
    job,
    fresh: false,
    from,
    claim: false,
    newLineage: 'check',
    fileSystem: nodeFileSystem,
    failpoint: () => {},
  })
}

async function compare(
  jobUrl: string,
  planned: PlannedJob,
  start: JobStart,
  options: CheckJobOptions,
): Promise<JobCheck> {
  const { plan } = planned
  const pathOf = (id: number): string => joinPlace(start.checkpointDirectory, checkpointFolder(id))
  const selected = await settled(() =>
    selectBase({
      storage: start.storage,
      plan,
      damaged: new Map(),
      abandoned: new Set(start.start.lineage.abandoned),
      allowRewind: options.allowRewind ?? false,
      pathOf: (id) => joinPlace(pathOf(id), MANIFEST),
    }),
  )
  if (selected instanceof StreamError) return refused(planned, [selected])
  const own = selected.manifest
  const stored = own ?? start.claim?.manifest ?? start.foreign?.manifest
  if (stored === undefined) return refused(planned, [])
  const manifest = await settled(() => renameUids(stored, plan.renamedUids))
  if (manifest instanceof StreamError) return refused(planned, [manifest])
  const hasEnded = own?.kind === 'final' && start.isCommitted(own.checkpointId)
  const allow = { nonRestoredState: options.allowNonRestoredState ?? false }
  const notes = startNotes({
    start: start.start,
    from: options.from,
    base: manifest,
    sources: await hashJobSources(jobUrl),
    workingDirectory: process.cwd(),
  })
  return {
    job: plan.job,
    parallelism: plan.parallelism,
    snapshot: snapshotOf(
      manifest,
      own === undefined ? originOf(start, manifest) : pathOf(own.checkpointId),
    ),
    hasEnded,
    operators: mapRestore(manifest, plan, stored),
    notes: [
      ...notes,
      ...selected.notes,
      ...renameNotes(stored, plan.renamedUids),
      ...restoreNotes(manifest, plan),
      ...(hasEnded ? [] : resetWatermarks(manifest, plan, false).notes),
    ],
    problems: hasEnded ? endedProblems(manifest, plan) : restoreProblems(manifest, plan, allow),
  }
}

function snapshotOf(manifest: CheckpointManifest, path: string): CheckedSnapshot {
  const { lineage, checkpointId, kind, createdAt, parallelism } = manifest
  const segments = manifest.subtasks.flatMap((part) => part.segments)
  const files = new Map(segments.map(({ file, bytes }) => [file, bytes]))
  const bytes = [...files.values()].reduce((sum, size) => sum + size, 0)
  return { path, bytes, lineage, checkpointId, kind, createdAt, parallelism }
}

/** The folder of the snapshot that a lineage begins from. */
function originOf({ start }: JobStart, { kind, checkpointId }: CheckpointManifest): string {
  const { directory } = start.lineage.origin!
  return kind === 'savepoint' ? directory : joinPlace(directory, checkpointFolder(checkpointId))
}

/** Nothing to compare with: there is none, or it cannot be read. */
function refused({ plan }: PlannedJob, problems: readonly StreamError[]): JobCheck {
  const { job, parallelism } = plan
  return {
    job,
    parallelism,
    snapshot: undefined,
    hasEnded: false,
    operators: [],
    notes: [],
    problems,
  }
}
