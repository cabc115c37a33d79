import { availableParallelism } from 'node:os'
import { isS3Url } from '../aws/s3-url.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { checkpointFolder, MANIFEST } from '../checkpoint/file-names.ts'
import {
  type Cancel,
  type Clock,
  type Random,
  randomId,
  SystemClock,
  SystemRandom,
} from '../clock.ts'
import { asError, StreamError, toErrorData } from '../errors.ts'
import { type FailpointHook, processFailpoint } from '../failpoint.ts'
import { nodeFileSystem } from '../file-system.ts'
import { Deliveries } from './deliveries.ts'
import { JobCommands } from './job-commands.ts'
import type { CheckpointSummary, JobEvent, JobResult, RunJobOptions } from './job-events.ts'
import type { JobHome } from './job-home.ts'
import { DEFAULT_MAX_PARALLELISM } from './job-module.ts'
import { JobRun } from './job-run.ts'
import { changedSources, hashJobSources, type JobSources } from './job-sources.ts'
import { JobStart, startNotes } from './job-start.ts'
import { splitMemory } from './memory.ts'
import { MergeThread } from './merge-thread.ts'
import { openHome } from './open-home.ts'
import { packageVersion } from './package-version.ts'
import { joinPlace } from './place-names.ts'
import { jobUrlOf, type PlannedJob, Planner } from './planning.ts'
import { createRestartStrategy } from './restart-strategy.ts'
import { RunEvents } from './run-events.ts'
import { resolveRunOptions, type RunSettings } from './run-options.ts'
import type { RunningJob } from './running-job.ts'
import { startRounds } from './start-rounds.ts'
import { WorkerPool } from './worker-pool.ts'

/** How often watermarks are generated. */
const AUTO_WATERMARK_INTERVAL_MS = 200

/** What a run takes from its surroundings; tests hand in their own. */
export interface RunEnvironment {
  readonly clock: Clock
  readonly random: Random
  readonly failpoint: FailpointHook
  /** How long importing the job, and building its graph, may take each; default 10 s. */
  readonly planningTimeoutMs?: number
}

/** As `runJob` of the package. */
export function runJob(job: URL | string, options: RunJobOptions = {}): Promise<JobResult> {
  return startJob(job, options).result
}

/** As `startJob` of the package. */
export function startJob(job: URL | string, options: RunJobOptions = {}): RunningJob {
  return startJobIn(job, options, {
    clock: new SystemClock(),
    random: new SystemRandom(),
    failpoint: processFailpoint(process.env['MILLRACE_FAILPOINT']),
  })
}

/** As `runJob`, with another clock, randomness or crash points. */
export function runJobIn(
  job: URL | string,
  options: RunJobOptions,
  environment: RunEnvironment,
): Promise<JobResult> {
  return startJobIn(job, options, environment).result
}

/** As `startJob`, with another clock, randomness or crash points. */
function startJobIn(
  job: URL | string,
  options: RunJobOptions,
  environment: RunEnvironment,
): RunningJob {
  try {
    const settings = resolveRunOptions(options)
    return new JobSession(jobUrlOf(job), options, settings, environment).start()
  } catch (error) {
    return neverRuns(error)
  }
}

/** Mistakes in the options are told where the result is awaited, as all failures of a run. */
function neverRuns(error: unknown): RunningJob {
  const rejected = (): Promise<never> => Promise.reject(asError(error))
  return { result: rejected(), savepoint: rejected, stop: rejected }
}

/** One call of `runJob`: plan, directory, lineage, then the run itself. */
class JobSession {
  readonly #jobUrl: string
  readonly #settings: RunSettings
  readonly #environment: RunEnvironment
  readonly #signal: AbortSignal | undefined
  readonly #events: RunEvents
  readonly #deliveries: Deliveries = new Deliveries()
  readonly #startedAt: number
  #planner: Planner | undefined
  #run: JobRun | undefined
  #stopping: StopRequest | undefined
  #cancelStopTimeout: Cancel | undefined
  #merger: MergeThread | undefined
  readonly #commands: JobCommands

  constructor(
    jobUrl: string,
    options: RunJobOptions,
    settings: RunSettings,
    environment: RunEnvironment,
  ) {
    this.#jobUrl = jobUrl
    this.#settings = settings
    this.#environment = environment
    this.#startedAt = environment.clock.elapsed()
    this.#signal = options.signal
    this.#events = new RunEvents(options, (error) => this.#run?.abort(error))
    this.#commands = new JobCommands({
      clock: environment.clock,
      failpoint: environment.failpoint,
      onEvent: (event) => this.#events.emit(event),
      merger: () => this.#merger!,
      isStopping: () => this.#isStopping,
      stop: ({ drain }) => this.#stop({ drain, timeoutMs: undefined }),
    })
  }

  start(): RunningJob {
    return {
      result: this.#session(),
      savepoint: (path) => this.#commands.savepoint(path),
      stop: (options) => this.#commands.stop(options),
    }
  }

  async #session(): Promise<JobResult> {
    const { drain, stopTimeoutMs } = this.#settings
    const stop = (): void => this.#stop({ drain, timeoutMs: stopTimeoutMs })
    this.#signal?.addEventListener('abort', stop)
    if (this.#signal?.aborted === true) stop()
    try {
      const result = await this.#withDirectory()
      const { status, lastCheckpoint, metrics } = result
      this.#events.emit({ type: 'finished', status, lastCheckpoint, metrics })
      if (this.#events.failure !== undefined) throw this.#events.failure
      return result
    } catch (error) {
      this.#events.emit({ type: 'error', error: toErrorData(error) })
      throw error
    } finally {
      this.#signal?.removeEventListener('abort', stop)
      this.#cancelStopTimeout?.()
      await this.#commands.close()
    }
  }

  async #withDirectory(): Promise<JobResult> {
    if (this.#isStopping) return this.#neverStarted()
    const sources = await hashJobSources(this.#jobUrl)
    let directory: JobHome | undefined
    try {
      const { name } = await this.#newPlanner().describe()
      const home = await openHome({
        dir: this.#settings.dir,
        work: this.#settings.work,
        job: name,
        fileSystem: nodeFileSystem,
        random: this.#environment.random,
      })
      directory = home
      await this.#commands.open(home)
      return await startRounds(home, () => this.#planAndRun(home, name, sources))
    } catch (error) {
      // A stop ends the planning worker; whatever came of that, nothing had been started.
      if (this.#isStopping && this.#run === undefined) return this.#neverStarted()
      throw error
    } finally {
      await this.#planner?.end()
      await this.#commands.withdraw()
      await directory?.close()
    }
  }

  #newPlanner(): Planner {
    const { clock, planningTimeoutMs } = this.#environment
    this.#planner = new Planner(this.#jobUrl, {
      clock,
      ...(planningTimeoutMs === undefined ? {} : { timeoutMs: planningTimeoutMs }),
      onLog: (line) => {
        this.#events.emit({ type: 'log', uid: undefined, subtaskIndex: undefined, line })
      },
    })
    return this.#planner
  }

  /** Repeated where what it went by is out of date before it has begun. */
  async #planAndRun(directory: JobHome, name: string, sources: JobSources): Promise<JobResult> {
    this.#run = undefined
    if (this.#isStopping) return this.#neverStarted()
    try {
      const planner = this.#planner ?? (await this.#planAgain(sources))
      const start = await this.#findStart(directory, name)
      this.#merger = new MergeThread(start.checkpointDirectory)
      const { parallelism = start.base?.parallelism ?? availableParallelism(), params } =
        this.#settings
      const maxParallelism = start.base?.maxParallelism ?? DEFAULT_MAX_PARALLELISM
      const planned = await planner.build({ params, parallelism, maxParallelism })
      await planner.end()
      return await this.#runPlanned(directory, start, planned, sources)
    } finally {
      await this.#planner?.end()
      this.#planner = undefined
      await this.#merger?.close()
    }
  }

  async #planAgain(sources: JobSources): Promise<Planner> {
    await checkUnchanged(this.#jobUrl, sources)
    const planner = this.#newPlanner()
    await planner.describe()
    return planner
  }

  #neverStarted(): JobResult {
    const metrics = {
      recordsRead: 0,
      recordsWritten: 0,
      counters: {},
      operators: {},
      checkpoints: 0,
      restarts: 0,
      durationMs: this.#environment.clock.elapsed() - this.#startedAt,
    }
    return { status: 'stopped', lastCheckpoint: undefined, metrics, collected: {} }
  }

  #findStart(directory: JobHome, job: string): Promise<JobStart> {
    const { fresh, from, claim } = this.#settings
    const { random, failpoint } = this.#environment
    const newLineage = randomId(random)
    return JobStart.find({
      directory,
      job,
      fresh,
      from,
      claim,
      newLineage,
      fileSystem: nodeFileSystem,
      failpoint,
    })
  }

  async #runPlanned(
    directory: JobHome,
    start: JobStart,
    planned: PlannedJob,
    sources: JobSources,
  ): Promise<JobResult> {
    const { plan, params } = planned
    const { clock, random, failpoint } = this.#environment
    const settings = this.#settings
    const memory = splitMemory(settings.memoryBytes, plan)
    const { lineage, ancestry, abandoned } = start.start.lineage
    const workingDirectory = process.cwd()
    const notes = [
      ...localNotes(directory),
      ...startNotes({
        start: start.start,
        from: settings.from,
        base: start.base,
        sources,
        workingDirectory,
      }),
    ]
    const run = new JobRun({
      plan,
      clock,
      random,
      launcher: new WorkerPool({
        jobUrl: this.#jobUrl,
        params,
        checkpointDirectory: start.checkpointDirectory,
        epoch: directory.epoch,
        usesS3: [start.checkpointDirectory, start.foreign?.directory ?? ''].some(isS3Url),
        heapMb: memory.heapMb,
        youngHeapMb: memory.youngHeapMb,
      }),
      storage: start.storage,
      merger: this.#merger!,
      facts: { millrace: packageVersion(), lineage, ancestry, workingDirectory, sources },
      foreign: start.foreign,
      claimed: start.claim?.manifest,
      settings: {
        parallelism: plan.parallelism,
        maxParallelism: plan.maxParallelism,
        lineage,
        strict: settings.strict,
        allow: allowances(settings),
        cacheBytesPerSlot: memory.cacheBytesPerSlot,
        channelBytes: memory.channelBytes,
        bufferTimeoutMs: settings.bufferTimeoutMs,
        autoWatermarkIntervalMs: AUTO_WATERMARK_INTERVAL_MS,
      },
      workDirectory: (attempt) => directory.workOf(attempt),
      policy: settings.output,
      restart: createRestartStrategy(plan.restart),
      checkpoints: settings.checkpoints,
      progressIntervalMs: settings.progressIntervalMs,
      allowRewind: settings.allowRewind,
      allowNonRestoredState: settings.allowNonRestoredState,
      resetWatermarks: settings.resetWatermarks,
      pathOf: (checkpointId) => pathOf(start.checkpointDirectory, checkpointId),
      abandoned,
      abandon: (ids) => start.abandon(ids),
      isCommitted: (checkpointId) => Promise.resolve(start.isCommitted(checkpointId)),
      markCommitted: (checkpointId) => start.markCommitted(checkpointId),
      checkUnchanged: () => checkUnchanged(this.#jobUrl, sources),
      started: async (base, more) => {
        const aside = await start.commit()
        if (aside !== undefined)
          notes.push(
            `the state of earlier runs is now in ${aside}; --from with a checkpoint in it goes on from there`,
          )
        if (start.claim !== undefined) notes.push(claimNote(await start.claim.release(), settings))
        this.#started(directory, start, planned, base, [
          ...notes,
          ...more,
          ...threadPoolNotes(plan.parallelism),
        ])
      },
      isOutdated: () => directory.hasMoved(),
      deliveries: this.#deliveries,
      ...(this.#commands.savepoints === undefined ? {} : { savepoints: this.#commands.savepoints }),
      onEvent: (event) => {
        if (event.type === 'running') this.#commands.running()
        this.#events.emit(event)
      },
      print: (uid, lines) => this.#events.print(uid, lines),
      failpoint,
    })
    this.#run = run
    if (this.#stopping !== undefined) this.#stopRun(run, this.#stopping)
    if (this.#events.failure !== undefined) run.abort(this.#events.failure)
    return run.run()
  }

  #started(
    directory: JobHome,
    { start, foreign, claim }: JobStart,
    { plan }: PlannedJob,
    own: CheckpointManifest | undefined,
    notes: readonly string[],
  ): void {
    const base = own ?? foreign?.manifest
    const restored = claim === undefined ? base : start.lineage.ancestry[0]
    const event: JobEvent = {
      type: 'started',
      job: plan.job,
      directory: directory.path,
      lineage: start.lineage.lineage,
      parallelism: plan.parallelism,
      mode: own?.kind === 'final' ? 'already-finished' : start.mode,
      restored: restored && { lineage: restored.lineage, checkpointId: restored.checkpointId },
      plan,
      notes,
    }
    this.#events.emit(event)
  }

  #stop(how: StopRequest): void {
    if (this.#isStopping) return
    this.#stopping = how
    if (this.#run === undefined) void this.#planner?.end()
    else this.#stopRun(this.#run, how)
  }

  #stopRun(run: JobRun, { drain, timeoutMs }: StopRequest): void {
    if (drain) {
      run.drain()
      return
    }
    if (timeoutMs !== undefined) {
      this.#cancelStopTimeout = this.#environment.clock.schedule(timeoutMs, () => {
        run.abort(stopTimeout(timeoutMs, run.lastCheckpoint))
      })
    }
    run.stop()
  }

  get #isStopping(): boolean {
    return this.#stopping !== undefined
  }
}

/** How the run is to end. */
interface StopRequest {
  readonly drain: boolean
  /** Undefined: whoever asked waits for it. */
  readonly timeoutMs: number | undefined
}

function claimNote(problem: string | undefined, { from }: RunSettings): string {
  const rest = problem === undefined ? '' : `; what it was could not be removed (${problem})`
  return `${from} was taken over: it is a checkpoint of this job now${rest}`
}

function localNotes({ path, localPath, epoch }: JobHome): string[] {
  if (localPath === path) return []
  const before = 'an earlier one that is still going can publish nothing any more, and ends'
  return [
    ...(epoch > 1 ? [`run ${epoch} of the job: ${before}`] : []),
    `working state, and what commands need to find the run, are in ${localPath}`,
  ]
}

function allowances(settings: RunSettings): string[] {
  return [
    ...(settings.allowRewind ? ['rewind'] : []),
    ...(settings.allowGrownInput ? ['grown-input'] : []),
  ]
}

/** A new attempt must run what was planned (N18). */
async function checkUnchanged(jobUrl: string, planned: JobSources): Promise<void> {
  const changed = changedSources(planned, await hashJobSources(jobUrl))
  if (changed.length === 0) return
  throw new StreamError(
    'MR_JOB_CHANGED',
    `${changed.join(', ')} changed while the job was running; a new attempt would run other code than the one whose state it goes on with; run the same command again to go on with the changed job, from the last checkpoint.`,
    { changed },
  )
}

function stopTimeout(timeoutMs: number, last: CheckpointSummary | undefined): StreamError {
  const since =
    last === undefined
      ? 'no checkpoint is complete, so the same command starts from the beginning'
      : `the last completed checkpoint is ${last.checkpointId} (${last.path}), from which the same command goes on`
  return new StreamError(
    'MR_STOP_TIMEOUT',
    `The job did not stop within ${timeoutMs} ms, so its threads were terminated without a last checkpoint; ${since}; look for a function that does not return or an output that does not answer, or give a longer --stop-timeout.`,
    { timeoutMs, lastCheckpoint: last?.checkpointId },
  )
}

/** Too few threads for blocking calls make files wait for LevelDB and the other way round (N14). */
function threadPoolNotes(parallelism: number): string[] {
  const wanted = Math.max(8, 4 * parallelism + 4)
  const size = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
  if (size >= wanted) return []
  return [
    `UV_THREADPOOL_SIZE is ${size}: set it to ${wanted} in the environment of the process, or files and state wait for each other`,
  ]
}

function pathOf(directory: string, checkpointId: number): string {
  return joinPlace(directory, checkpointFolder(checkpointId), MANIFEST)
}
