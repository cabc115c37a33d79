import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Cancel, type Clock, SystemClock } from '../clock.ts'
import { type ErrorData, fromErrorData, StreamError } from '../errors.ts'
import type { JobPlan, PlanParameter } from '../graph/job-plan.ts'
import { DEFAULT_MAX_PARALLELISM, type JobShape } from './job-module.ts'
import { jobPath, loadFailure } from './load-job.ts'
import { workerUrl } from './worker-url.ts'

/** How long importing a job, or building its graph, may take: beside others that use all cores a second of work takes ten. */
const PLANNING_TIMEOUT_MS = 30_000

/** Main thread → planning worker. */
export interface PlanningRequest extends JobShape {
  readonly params: Readonly<Record<string, unknown>>
}

/** Planning worker → main thread. */
export type PlanningAnswer =
  | ({ readonly type: 'described' } & JobDescription)
  | ({ readonly type: 'built' } & PlannedJob)
  | { readonly type: 'failed'; readonly error: ErrorData }
  | { readonly type: 'log'; readonly line: string }

/** What a job tells of itself before its graph is built. */
export interface JobDescription {
  readonly name: string
  readonly parameters: readonly PlanParameter[]
}

/** A job as data. */
export interface PlannedJob {
  readonly plan: JobPlan
  /** Parsed values of all parameters, secrets included. */
  readonly params: Readonly<Record<string, unknown>>
}

export interface PlannerOptions {
  readonly clock?: Clock
  /** How long importing, and building, may take each; default 30 s. */
  readonly timeoutMs?: number
  /** Lines that the job module writes to its console. */
  readonly onLog?: (line: string) => void
}

export interface PlanJobOptions extends PlannerOptions {
  /** Default: the number of cores. */
  readonly parallelism?: number
  /** Parameter values as given: strings are parsed by the parameter's type. */
  readonly params?: Readonly<Record<string, unknown>>
}

/** The URL of a job given as a URL, or as a path relative to the working directory. */
export function jobUrlOf(job: URL | string): string {
  if (job instanceof URL) return job.href
  return job.startsWith('file:') ? job : pathToFileURL(resolve(job)).href
}

/** What a job is and which parameters it has, without building its graph: for `--help`. */
export async function describeJob(
  job: URL | string,
  options: PlannerOptions = {},
): Promise<JobDescription> {
  const planner = new Planner(jobUrlOf(job), options)
  try {
    return await planner.describe()
  } finally {
    await planner.end()
  }
}

/** Builds the graph of a job in a thread of its own and returns it as data; nothing of it runs. */
export async function planJob(
  job: URL | string,
  options: PlanJobOptions = {},
): Promise<PlannedJob> {
  const planner = new Planner(jobUrlOf(job), options)
  try {
    await planner.describe()
    return await planner.build({
      params: options.params ?? {},
      parallelism: options.parallelism ?? availableParallelism(),
      maxParallelism: DEFAULT_MAX_PARALLELISM,
    })
  } finally {
    await planner.end()
  }
}

/**
 * The planning worker of one job: the main thread never imports it (N8).
 *
 * ```
 *   new ─▶ describe (import) ─▶ build (graph) ─▶ end (terminate)
 * ```
 *
 * Whatever the module does while it is imported ends as a coded error: `MR_JOB_EXITED`, `MR_JOB_TIMEOUT`,
 * `MR_JOB_FAILED_TO_LOAD`, `MR_JOB_MISSING`, `MR_JOB_INVALID`. What it leaves open ends with the thread.
 */
export class Planner {
  readonly #jobUrl: string
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #onLog: (line: string) => void
  readonly #worker: Worker
  #awaited:
    { resolve: (answer: PlanningAnswer) => void; reject: (error: Error) => void } | undefined
  /** Came while nobody was waiting. */
  readonly #early: PlanningAnswer[] = []
  #failure: Error | undefined

  constructor(jobUrl: string, options: PlannerOptions = {}) {
    this.#jobUrl = jobUrl
    this.#clock = options.clock ?? new SystemClock()
    this.#timeoutMs = options.timeoutMs ?? PLANNING_TIMEOUT_MS
    this.#onLog = options.onLog ?? (() => {})
    this.#worker = new Worker(workerUrl('planning-worker', import.meta.url), {
      workerData: { jobUrl },
    })
    this.#worker.on('message', (answer: PlanningAnswer) => this.#receive(answer))
    this.#worker.on('error', (error) => this.#fail(loadFailure(error, jobUrl)))
    this.#worker.on('exit', (code) => this.#fail(exited(jobUrl, code)))
  }

  /** Waits until the module has been imported. Once, first. */
  async describe(): Promise<JobDescription> {
    const answer = await this.#answer('imported')
    if (answer.type !== 'described') throw unexpected(answer)
    return { name: answer.name, parameters: answer.parameters }
  }

  /** Parses the parameters and builds the graph. */
  async build(request: PlanningRequest): Promise<PlannedJob> {
    this.#post(request)
    const answer = await this.#answer('built')
    if (answer.type !== 'built') throw unexpected(answer)
    return { plan: answer.plan, params: answer.params }
  }

  /** Ends the thread, with all that the module has left running. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #post(request: PlanningRequest): void {
    try {
      this.#worker.postMessage(request, [])
    } catch (error) {
      throw new StreamError(
        'MR_PARAMETER_INVALID',
        `A parameter of ${jobPath(this.#jobUrl)} has a value that cannot be sent to another thread, where the job runs; give strings, numbers or booleans.`,
        {},
        error,
      )
    }
  }

  #answer(what: string): Promise<PlanningAnswer> {
    const early = this.#early.shift()
    if (early !== undefined) return Promise.resolve(early)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    let cancel: Cancel
    const answered = new Promise<PlanningAnswer>((resolve, reject) => {
      this.#awaited = { resolve, reject }
      cancel = this.#clock.schedule(this.#timeoutMs, () => this.#fail(this.#timedOut(what)))
    })
    return answered.finally(() => cancel())
  }

  #receive(answer: PlanningAnswer): void {
    if (answer.type === 'log') this.#onLog(answer.line)
    else if (answer.type === 'failed') this.#fail(fromErrorData(answer.error))
    else if (this.#awaited === undefined) this.#early.push(answer)
    else {
      this.#awaited.resolve(answer)
      this.#awaited = undefined
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#awaited?.reject(this.#failure)
    this.#awaited = undefined
  }

  #timedOut(what: string): StreamError {
    const path = jobPath(this.#jobUrl)
    return new StreamError(
      'MR_JOB_TIMEOUT',
      `${path} was not ${what} within ${this.#timeoutMs} ms; a job module must end being imported and its graph being built, so nothing can run; look for an endless loop or an await at its top level.`,
      { path, timeoutMs: this.#timeoutMs },
    )
  }
}

function exited(jobUrl: string, code: number): StreamError {
  const path = jobPath(jobUrl)
  return new StreamError(
    'MR_JOB_EXITED',
    `${path} ended its thread (exit code ${code}) while it was imported, so there is no job to run; a job module must not call process.exit.`,
    { path, exitCode: code },
  )
}

function unexpected(answer: PlanningAnswer): StreamError {
  return new StreamError(
    'MR_INTERNAL',
    `The planning worker answered "${answer.type}" out of turn.`,
  )
}
