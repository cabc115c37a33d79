import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import { isS3Url } from '../aws/s3-url.ts'
import type { SavepointSummary } from '../checkpoint/checkpoint-summary.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { copySavepoint } from '../checkpoint/savepoint-copy.ts'
import { SavepointQueue } from '../checkpoint/savepoint-queue.ts'
import type { OpenSavepoint } from '../checkpoint/open-savepoint.ts'
import { refused } from '../checkpoint/savepoint-target.ts'
import type { SegmentMerger } from '../checkpoint/segment-merger.ts'
import type { Clock } from '../clock.ts'
import { asError, StreamError } from '../errors.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { FileSystem } from '../file-system.ts'
import { joinPlace, resolvePlace } from './place-names.ts'
import { openSavepoint } from './savepoint-places.ts'
import { placesOf } from './snapshot-places.ts'

/** Where savepoints go that are given no path. */
export const SAVEPOINTS = 'savepoints'

/** How far a savepoint has come: its checkpoint is awaited, or is being copied. */
export type SavepointProgress =
  | { readonly stage: 'checkpoint' }
  | { readonly stage: 'copy'; readonly copied: number; readonly total: number }

export interface SavepointsOptions {
  /** The folder of the job, absolute, or its place in S3. */
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly failpoint: FailpointHook
  /** Of the checkpoints of the run, once it has some. */
  readonly merger: () => SegmentMerger
  readonly onTaken: (summary: SavepointSummary) => void
  readonly onFailed: (error: Error) => void
}

/**
 * The savepoints of one run, through all of its attempts: an ordinary checkpoint each, then a copy of it that stands alone.
 *
 * The copy is made beside the job, whose checkpoints go on; one that fails leaves the job as it is.
 */
export class Savepoints {
  readonly queue: SavepointQueue = new SavepointQueue()
  readonly #options: SavepointsOptions
  readonly #writing: Set<Promise<unknown>> = new Set()
  readonly #abort: AbortController = new AbortController()
  /** Why there are none any more. */
  #end: Error | undefined

  constructor(options: SavepointsOptions) {
    this.#options = options
  }

  /**
   * Takes a folder for a savepoint, so that a bad path is told before anything else happens. Rejects with
   * `MR_SAVEPOINT_TARGET` or `MR_SAVEPOINT_FAILED`.
   */
  async reserve(path: string): Promise<OpenSavepoint> {
    try {
      this.#checkGoing()
      return await this.#open(path)
    } catch (error) {
      throw this.#failed(error, path)
    }
  }

  /**
   * Wants a savepoint, and resolves when it is complete and durable. Without a folder it goes to `savepoints/<id>` in that
   * of the job. Rejects with `MR_SAVEPOINT_FAILED`, and the folder is free again.
   */
  take(
    target: OpenSavepoint | undefined,
    onProgress: (progress: SavepointProgress) => void = () => {},
  ): Promise<SavepointSummary> {
    const startedAt = this.#options.clock.elapsed()
    onProgress({ stage: 'checkpoint' })
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => {
        void target?.abandon()
        reject(this.#failed(error, target?.path))
      }
      if (this.#end !== undefined) {
        failed(this.#end)
        return
      }
      this.queue.add({
        completed: (manifest) => {
          const wish = { manifest, target, startedAt, onProgress }
          this.#track(this.#write(wish)).then(resolve, reject)
        },
        failed,
      })
    })
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    while (this.#writing.size > 0) await Promise.allSettled(this.#writing)
  }

  /** The run is over, because of that failure if one is given: what waits for a checkpoint fails. */
  end(cause?: Error): void {
    this.#end ??= endedBefore(cause)
    for (const request of this.queue.takeAll()) request.failed(this.#end)
  }

  /** Gives up what is being written too. */
  abort(error: Error): void {
    this.end(error)
    this.#abort.abort(this.#end)
  }

  #checkGoing(): void {
    if (this.#end !== undefined) throw this.#end
  }

  #track<T>(writing: Promise<T>): Promise<T> {
    this.#writing.add(writing)
    const ended = (): void => void this.#writing.delete(writing)
    writing.then(ended, ended)
    return writing
  }

  async #write(wish: {
    readonly manifest: CheckpointManifest
    readonly target: OpenSavepoint | undefined
    readonly startedAt: number
    readonly onProgress: (progress: SavepointProgress) => void
  }): Promise<SavepointSummary> {
    const { clock, failpoint, merger, onTaken } = this.#options
    const { manifest, startedAt, onProgress } = wish
    const { lineage, checkpointId } = manifest
    let { target } = wish
    try {
      target ??= await this.#openDefault(checkpointId)
      failpoint('savepoint-begun')
      const copy = await copySavepoint({
        merger: merger(),
        manifest,
        target,
        signal: this.#abort.signal,
        onProgress: (copied, total) => onProgress({ stage: 'copy', copied, total }),
      })
      failpoint('savepoint-copied')
      await target.publish(copy)
      failpoint('savepoint-published')
      const durationMs = clock.elapsed() - startedAt
      const summary = { path: target.path, lineage, checkpointId, durationMs, bytes: bytesOf(copy) }
      onTaken(summary)
      return summary
    } catch (error) {
      await target?.abandon()
      throw this.#failed(error, target?.path)
    } finally {
      this.queue.unpin(manifest)
    }
  }

  async #open(path: string): Promise<OpenSavepoint> {
    const { directory, fileSystem } = this.#options
    const absolute = resolvePlace(path)
    const inside = await wayTo(absolute, directory)
    if (inside !== undefined && (inside[0] !== SAVEPOINTS || inside.length === 1)) {
      throw refused(
        absolute,
        `it lies in the folder of the job, ${directory}, whose files millrace removes`,
        `give a path outside, or leave it out (${joinPlace(directory, SAVEPOINTS)} then holds it)`,
      )
    }
    return openSavepoint(absolute, fileSystem)
  }

  /** Ids are those of a lineage: an earlier one may have left a savepoint of the same id. */
  async #openDefault(checkpointId: number): Promise<OpenSavepoint> {
    const { directory, fileSystem } = this.#options
    for (let take = 1; ; take++) {
      const name = take === 1 ? `${checkpointId}` : `${checkpointId}-${take}`
      const path = joinPlace(directory, SAVEPOINTS, name)
      const isFree = isS3Url(path)
        ? (await placesOf(path, fileSystem).names(path)).length === 0
        : (await fileSystem.size(path)) === undefined
      if (isFree) return openSavepoint(path, fileSystem)
    }
  }

  #failed(error: unknown, path: string | undefined): Error {
    const failure = describe(asError(error), path)
    this.#options.onFailed(failure)
    return failure
  }
}

/** The run is over before it has taken a savepoint that was wanted; `cause`: because of that failure. */
export function endedBefore(cause?: Error): StreamError {
  const [reason] = cause?.message.split('; ') ?? []
  const why = reason === undefined ? '' : ` (${reason})`
  return new StreamError(
    'MR_SAVEPOINT_FAILED',
    `The run has ended before the savepoint was taken${why}; there is no savepoint, and the checkpoints of the job are as they were; start from one of them with --from, or run the job again.`,
    {},
    cause,
  )
}

function describe(error: Error, path: string | undefined): Error {
  const code = error instanceof StreamError ? error.code : undefined
  if (code === 'MR_SAVEPOINT_TARGET' || code === 'MR_SAVEPOINT_FAILED') return error
  const where = path === undefined ? '' : ` in ${resolvePlace(path)}`
  const [cause = ''] = error.message.split('; ')
  return new StreamError(
    'MR_SAVEPOINT_FAILED',
    `The savepoint${where} was not taken: ${cause}; there is none, and the job goes on without it; see to the cause, and take it again.`,
    { path, code },
    error,
  )
}

/** The names from the folder of a job to a place in it; undefined for one elsewhere. */
async function wayTo(path: string, directory: string): Promise<readonly string[] | undefined> {
  if (isS3Url(path) || isS3Url(directory)) {
    if (path === directory) return ['']
    const isInside = path.startsWith(`${directory}/`)
    return isInside ? path.slice(directory.length + 1).split('/') : undefined
  }
  const inside = relative(await realPath(directory), await realPath(path)).split(sep)
  return inside[0] !== '..' && !isAbsolute(inside[0]!) ? inside : undefined
}

/** Where a path leads once all links in it are followed, as far as it exists. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    // What does not exist has no links; what cannot be looked at fails where it is written to.
    const parent = dirname(path)
    return parent === path ? path : join(await realPath(parent), basename(path))
  }
}

function bytesOf({ subtasks }: CheckpointManifest): number {
  return subtasks.reduce(
    (sum, { segments }) => sum + segments.reduce((all, { bytes }) => all + bytes, 0),
    0,
  )
}
