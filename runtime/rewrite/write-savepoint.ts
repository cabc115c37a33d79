import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { isS3Url } from '../aws/s3-url.ts'
import { type CheckpointManifest, MANIFEST_VERSION } from '../checkpoint/manifest.ts'
import { randomId, SystemClock, SystemRandom } from '../clock.ts'
import { StreamError } from '../errors.ts'
import { nodeFileSystem } from '../file-system.ts'
import { type FoundSnapshot, findSnapshot } from '../inspect/find-snapshot.ts'
import { DEFAULT_MAX_PARALLELISM } from '../job/job-module.ts'
import { DEFAULT_WORK } from '../job/local-folder.ts'
import { packageVersion } from '../job/package-version.ts'
import { resolvePlace } from '../job/place-names.ts'
import { openSavepoint } from '../job/savepoint-places.ts'
import { planEdits, type StateEdits } from './edit-plan.ts'
import { SavepointWriter } from './savepoint-writer.ts'

/** What a savepoint is made of. */
export interface WriteSavepointOptions {
  /** A new or empty folder, which becomes the savepoint, or `s3://bucket/prefix` where nothing is yet. */
  readonly path: string
  /** A folder on this machine in which is sorted what is new, for a savepoint in S3. Default: `.millrace/s3`. */
  readonly work?: string
  /** A checkpoint, savepoint, lineage or job to begin from, as `openSnapshot` takes it; without it, from nothing. */
  readonly from?: string
  /** The name of the job. Needed without `from`; default: that of the snapshot. */
  readonly job?: string
  /** Edits by uid and state. All else is taken over as it is. */
  readonly states?: StateEdits
  /**
   * Must be that of the job. Default: that of the snapshot, or 1,024. Where it is another than that of the snapshot all keys
   * are put into other key groups, which takes a sorting of everything.
   */
  readonly maxParallelism?: number
  /** What a run takes that is given none. Default: that of the snapshot, or the number of cores. */
  readonly parallelism?: number
}

/** A savepoint that has been written. */
export interface WrittenSavepoint {
  /** Absolute; `run --from` takes it. */
  readonly path: string
  /** A lineage of its own; the snapshot that it was made from is its nearest ancestor. */
  readonly lineage: string
  readonly checkpointId: number
  /** Entries of keyed state and timers, and the bytes of their files. */
  readonly entries: number
  readonly bytes: number
}

/**
 * Writes a savepoint: one that a snapshot becomes by some edits, or one from nothing, to begin a job with state that another
 * system had. It stands alone, passes `checkpoints verify`, and a job starts from it with `--from`.
 *
 * Reads and writes everything once; what is new is sorted on the disk, in the folder of the savepoint or below `work`, and needs up to
 * about 128 MiB of memory, whatever its size. Until it resolves the folder is no snapshot; when it fails, nothing is left. Fails with
 * `MR_SAVEPOINT_TARGET` for a folder that is in use, with `MR_STATE_NOT_FOUND` and `MR_STATE_INCOMPATIBLE` for edits that do not
 * fit, with `MR_KEY_INVALID` and `MR_VALUE_UNSUPPORTED` for what cannot be stored, and as `openSnapshot` does.
 *
 * @example
 * await writeSavepoint({
 *   path: 'fixed',
 *   from: '.millrace/fraud',
 *   states: {
 *     velocity: { count: changeState<number>(({ value }) => Math.max(0, value)) },
 *     limits: { limit: bootstrapState(valueState<number>(), [{ key: 'a', value: 100 }]) },
 *   },
 * })
 */
export async function writeSavepoint(options: WriteSavepointOptions): Promise<WrittenSavepoint> {
  const base = options.from === undefined ? undefined : await findSnapshot(options.from)
  try {
    const plan = planEdits(base?.manifest, options.states ?? {})
    const header = headerOf(options, base)
    const path = resolvePlace(options.path)
    const sorting = sortingFolder(path, options.work)
    const target = await openSavepoint(path, nodeFileSystem)
    try {
      const writer = new SavepointWriter({ base, plan, target, sorting, header })
      const manifest = await writer.write()
      await target.publish(manifest)
      const { lineage, checkpointId } = manifest
      const { entries, bytes } = writer
      return { path, lineage, checkpointId, entries, bytes }
    } catch (error) {
      await target.abandon()
      throw error
    }
  } finally {
    await base?.files.close()
  }
}

function sortingFolder(path: string, work: string | undefined): string {
  if (isS3Url(path)) {
    return resolve(work ?? DEFAULT_WORK, `sorting-${randomId(new SystemRandom())}`)
  }
  if (work === undefined) return join(path, 'sorting')
  throw invalid(`work is ${work}`, 'a savepoint in a folder is sorted there')
}

/** All of a manifest but its states. */
export type SavepointHeader = Omit<CheckpointManifest, 'states' | 'subtasks' | 'enumerators'>

function headerOf(
  options: WriteSavepointOptions,
  base: FoundSnapshot | undefined,
): SavepointHeader {
  const before = base?.manifest
  const job = options.job ?? before?.job
  if (job === undefined) {
    throw invalid('job is missing', 'a savepoint from nothing must say whose it is')
  }
  const maxParallelism = whole('maxParallelism', options) ?? before?.maxParallelism
  const parallelism = whole('parallelism', options) ?? before?.parallelism
  const header: SavepointHeader = {
    params: {},
    workingDirectory: process.cwd(),
    sources: {},
    operators: [],
    ...before,
    version: MANIFEST_VERSION,
    millrace: packageVersion(),
    job,
    lineage: randomId(new SystemRandom()),
    checkpointId: 1,
    kind: 'savepoint',
    ancestry:
      before === undefined
        ? []
        : [{ lineage: before.lineage, checkpointId: before.checkpointId }, ...before.ancestry],
    createdAt: new SystemClock().now(),
    parallelism: parallelism ?? availableParallelism(),
    maxParallelism: maxParallelism ?? DEFAULT_MAX_PARALLELISM,
  }
  const widest = Math.max(header.parallelism, ...header.operators.map((one) => one.parallelism))
  if (widest <= header.maxParallelism) return header
  throw invalid(
    `maxParallelism is ${header.maxParallelism}`,
    `there are ${widest} subtasks, and each needs a key group`,
  )
}

function whole(
  name: 'maxParallelism' | 'parallelism',
  options: WriteSavepointOptions,
): number | undefined {
  const value = options[name]
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= 32_768)) {
    return value
  }
  throw invalid(`${name} is ${value}`, 'it must be a whole number from 1 to 32768')
}

function invalid(is: string, why: string): StreamError {
  return new StreamError(
    'MR_OPTION_INVALID',
    `writeSavepoint: ${is}; ${why}, so nothing was written; give another one.`,
  )
}
