import type { SavepointSummary } from '../checkpoint/checkpoint-summary.ts'
import type { JobResult } from './job-events.ts'

export interface StopOptions {
  /** Make a savepoint of the last checkpoint: in this folder, or with `true` in `savepoints/<id>` of the job's folder. */
  readonly savepoint?: string | boolean
  /**
   * End the input instead of leaving it open (R14): the final watermark fires all windows and event-time timers, and the job
   * is finished. The savepoint has the watermarks from before, so that what starts from it goes on with later input (R12).
   */
  readonly drain?: boolean
}

/** A job that runs in this process. */
export interface RunningJob {
  /** How it ends, as the result of `runJob`. */
  readonly result: Promise<JobResult>
  /**
   * Takes a savepoint: a copy of a checkpoint that stands alone, may be moved, and is never removed by millrace. Resolves
   * when it is complete and durable; the job goes on meanwhile, and whether or not it succeeds. `path`: a folder that is
   * new or empty; default `savepoints/<id>` in the job's folder. Rejects with `MR_SAVEPOINT_TARGET` or
   * `MR_SAVEPOINT_FAILED`.
   *
   * @example
   * ```ts
   * const { path } = await running.savepoint('/backup/before-upgrade')
   * ```
   */
  savepoint(path?: string): Promise<SavepointSummary>
  /**
   * Stops the job with a last checkpoint and its commits (R14), and resolves when it has ended and its directory is free;
   * with the savepoint, if one was asked for. A path that cannot be used is told before anything is stopped. Rejects with
   * `MR_JOB_STOPPING` where a stop is under way.
   *
   * @example
   * ```ts
   * await running.stop({ savepoint: true, drain: false })
   * ```
   */
  stop(options?: StopOptions): Promise<SavepointSummary | undefined>
}
