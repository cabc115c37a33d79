import type { SegmentMerger } from '../checkpoint/segment-merger.ts'
import type { SavepointSummary } from '../checkpoint/checkpoint-summary.ts'
import type { Clock } from '../clock.ts'
import { toErrorData } from '../errors.ts'
import type { FailpointHook } from '../failpoint.ts'
import { nodeFileSystem } from '../file-system.ts'
import type { ControlCommand } from './control-protocol.ts'
import { alreadyStopping, ControlServer } from './control-server.ts'
import type { JobEvent } from './job-events.ts'
import type { JobHome } from './job-home.ts'
import type { StopOptions } from './running-job.ts'
import { endedBefore, type SavepointProgress, Savepoints } from './savepoints.ts'

export interface JobCommandsOptions {
  readonly clock: Clock
  readonly failpoint: FailpointHook
  readonly onEvent: (event: JobEvent) => void
  /** Where the checkpoints of the run are, once it has some. */
  readonly merger: () => SegmentMerger
  readonly isStopping: () => boolean
  /** Begins a stop, or the end of all input. */
  readonly stop: (how: { readonly drain: boolean }) => void
}

type OnProgress = (progress: SavepointProgress) => void

/**
 * What a run can be told to do while it runs, by its own program or from another process.
 *
 * ```
 *   run begins ─ open ─▶ commands are taken ─ withdraw ─▶ the directory is freed ─ close ─▶ everyone is answered
 * ```
 */
export class JobCommands {
  readonly #options: JobCommandsOptions
  readonly #opened: PromiseWithResolvers<Savepoints> = Promise.withResolvers()
  readonly #running: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #over: PromiseWithResolvers<void> = Promise.withResolvers()
  #savepoints: Savepoints | undefined
  #server: ControlServer | undefined

  constructor(options: JobCommandsOptions) {
    this.#options = options
    // Whoever waits for it hears of it; that nobody does is no failure.
    this.#opened.promise.catch(() => {})
    this.#running.promise.catch(() => {})
  }

  /** The folder of the job is there, and locked: commands come from now on. */
  async open({ path: directory, localPath }: Pick<JobHome, 'path' | 'localPath'>): Promise<void> {
    const { clock, failpoint, merger, onEvent } = this.#options
    this.#savepoints = new Savepoints({
      directory,
      fileSystem: nodeFileSystem,
      clock,
      failpoint,
      merger,
      onTaken: (summary) => onEvent({ type: 'savepoint', ...summary }),
      onFailed: (error) => onEvent({ type: 'savepoint-failed', error: toErrorData(error) }),
    })
    this.#opened.resolve(this.#savepoints)
    try {
      this.#server = await ControlServer.open(localPath, (command, onProgress) =>
        this.#obey(command, onProgress),
      )
    } catch (error) {
      const message = `commands of other processes cannot reach the job (${(error as Error).message}): "millrace savepoint" and "millrace stop" will not find it`
      onEvent({ type: 'note', message })
    }
  }

  /** Records are taken: a stop has something to take a last checkpoint of. */
  running(): void {
    this.#running.resolve()
  }

  /** Undefined before `open`. */
  get savepoints(): Savepoints | undefined {
    return this.#savepoints
  }

  /** See `RunningJob.savepoint`. */
  async savepoint(path: string | undefined, onProgress?: OnProgress): Promise<SavepointSummary> {
    const savepoints = await this.#opened.promise
    const target = path === undefined ? undefined : await savepoints.reserve(path)
    return savepoints.take(target, onProgress)
  }

  /** See `RunningJob.stop`. */
  async stop(
    options: StopOptions = {},
    onProgress?: OnProgress,
  ): Promise<SavepointSummary | undefined> {
    const { savepoint = false, drain = false } = options
    if (savepoint === false) {
      if (this.#options.isStopping()) throw alreadyStopping()
      this.#options.stop({ drain })
      await this.#over.promise
      return undefined
    }
    const path = savepoint === true ? undefined : savepoint
    return this.#stopWithSavepoint({ path, drain }, onProgress)
  }

  async #stopWithSavepoint(
    { path, drain }: { readonly path: string | undefined; readonly drain: boolean },
    onProgress: OnProgress | undefined,
  ): Promise<SavepointSummary> {
    if (this.#options.isStopping()) throw alreadyStopping()
    const savepoints = await this.#opened.promise
    const target = path === undefined ? undefined : await savepoints.reserve(path)
    try {
      await this.#running.promise
      if (this.#options.isStopping()) throw alreadyStopping()
    } catch (error) {
      await target?.abandon()
      throw error
    }
    // Wanted first: the last checkpoint serves all who wait when it begins.
    const taking = savepoints.take(target, onProgress)
    this.#options.stop({ drain })
    try {
      return await taking
    } finally {
      await this.#over.promise
    }
  }

  async #obey(command: ControlCommand, onProgress: OnProgress): Promise<SavepointSummary> {
    const { path } = command
    if (command.verb === 'savepoint') return this.savepoint(path, onProgress)
    return this.#stopWithSavepoint({ path, drain: command.drain }, onProgress)
  }

  /** The run is over: no more commands are taken. The directory is still locked. */
  async withdraw(): Promise<void> {
    this.#savepoints?.end()
    this.#running.reject(endedBefore())
    await this.#server?.withdraw()
  }

  /** The directory is free: whoever waited for the end is answered. */
  async close(): Promise<void> {
    this.#opened.reject(endedBefore())
    this.#over.resolve()
    await this.#server?.close()
  }
}
