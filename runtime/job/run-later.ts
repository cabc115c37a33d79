import { resolve } from 'node:path'
import type { JobResult, RunJobOptions } from './job-events.ts'
import type { RunningJob } from './running-job.ts'

/*
 * The runner of `runJob` and `startJob`, imported with the first call: every thread of a job imports the package, and only the one
 * that runs the job needs the third of it that runs jobs.
 */

/**
 * Runs a job, given as the URL of its module (or a path, relative to the working directory), to its end.
 *
 * The options are the flags of `millrace run` in camelCase, with the same defaults. Resolves when all input has been
 * processed and committed, or the job was stopped by `signal`; called again it then goes on from the last checkpoint, as
 * after a crash. Rejects with a `StreamError` when the job has failed for good. It never ends the process and installs no
 * signal handler.
 *
 * @example
 * ```ts
 * const { status, metrics } = await runJob(new URL('./job.ts', import.meta.url), { parallelism: 2 })
 * ```
 */
export function runJob(job: URL | string, options: RunJobOptions = {}): Promise<JobResult> {
  return startJob(job, options).result
}

/**
 * Runs a job as `runJob` does, and returns at once, with what can be done to the job while it runs.
 *
 * @example
 * ```ts
 * const running = startJob(new URL('./job.ts', import.meta.url))
 * const savepoint = await running.stop({ savepoint: '/backup/before-upgrade' })
 * const { status } = await running.result
 * ```
 */
export function startJob(job: URL | string, options: RunJobOptions = {}): RunningJob {
  // A program may change its working directory before the runner is there.
  const place = typeof job === 'string' && !job.startsWith('file:') ? resolve(job) : job
  const running = import('./run-job.ts').then((runner) => runner.startJob(place, options))
  return {
    result: running.then(({ result }) => result),
    savepoint: (path) => running.then((started) => started.savepoint(path)),
    stop: (stopOptions) => running.then((started) => started.stop(stopOptions)),
  }
}
