import { type Duration, parseDuration } from '../runtime/duration.ts'
import { RestartableError, StreamError } from '../runtime/errors.ts'
import { Deliveries } from '../runtime/job/deliveries.ts'
import type { JobEvent, JobMetrics, JobResult } from '../runtime/job/job-events.ts'
import {
  type BuiltJob,
  DEFAULT_MAX_PARALLELISM,
  type JobModule,
} from '../runtime/job/job-module.ts'
import { JobRun } from '../runtime/job/job-run.ts'
import { createRestartStrategy } from '../runtime/job/restart-strategy.ts'
import { planOperators } from '../runtime/job/restore-plan.ts'
import { type Crash, CrashPlan, type CrashPoint } from './crash-plan.ts'
import { SimulatedLauncher } from './simulated-launcher.ts'
import { SimulatedDisk, SimulatedStorage, type StorageWrite } from './simulated-storage.ts'
import { type SimulatedThread, SimulatedWorld } from './simulated-world.ts'

/** Steps after which a job is taken to be endless. */
const MAX_STEPS = 500_000

/** Completions of storage come in this many queues, so that they overtake each other. */
const STORAGE_QUEUES = 3

/** Of the same form as real ones: sinks write it into the names of files. */
const LINEAGE = '5eed5eed5eed5eed'

export interface TestJobOptions {
  /** As on the command line, or values of the right type; defaults are filled in. */
  readonly params?: Readonly<Record<string, unknown>>
  /** Default 1. */
  readonly parallelism?: number
  readonly maxParallelism?: number
  /** Decides the order of all that happens, and sizes of batches and turns. Same seed, same trace. Default 1. */
  readonly seed?: number
  /** In simulated time, which passes with each turn of a slot (1 ms each). Default 50 ms. */
  readonly checkpointInterval?: Duration
  /** Interruptions, one after another; after each the job goes on as the same command would. */
  readonly crashAt?: CrashPoint | readonly CrashPoint[]
  /**
   * How often a write to the checkpoint storage fails, from 0 (the default) to 1. A run that ends because of that is
   * followed by another one.
   */
  readonly storageFaults?: number
  /** Freeze records, check all values against the type table, find changes of state in place (R16). Default true. */
  readonly strict?: boolean
  /** Steps of the scheduler after which the test fails. Default 500,000. */
  readonly maxSteps?: number
  /** The checkpoints of the job; give the disk of an earlier result to go on from there. Default: a new one. */
  readonly disk?: SimulatedDisk
}

export interface TestJobResult {
  /** What each collection sink has committed, by uid, in the order of delivery; an empty list for other sinks. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>
  /** Everything that the runs told, in order. */
  readonly events: readonly JobEvent[]
  /** The interruptions that happened; a point that was never reached is not among them. */
  readonly crashes: readonly Crash[]
  /** What the scheduler did, in order; equal for equal seeds. */
  readonly trace: readonly string[]
  /** Figures of the last run. */
  readonly metrics: JobMetrics
  readonly disk: SimulatedDisk
}

/**
 * Runs a whole job to its end in this thread: every slot, the coordinator and the checkpoint storage under one seeded
 * scheduler, with virtual time (R40).
 *
 * State is in memory, and checkpoints are in a simulated storage that alone survives a crash. Sources are those of the job
 * and must be bounded; what a `collectionSink` commits is in the result. Real files that a job reads or writes are read and
 * written; a file sink does not know that its process has crashed, so crashes are for jobs that end in collection sinks.
 * Fails with the error that the job ends with, or `MR_TEST_ENDLESS` when it does not end.
 *
 * @example
 * const result = await testJob(myJob, { params: { limit: 3 }, seed: 7, crashAt: 'before-commit' })
 * expect(result.collected['alerts']).toEqual([…])
 */
export async function testJob(
  job: JobModule,
  options: TestJobOptions = {},
): Promise<TestJobResult> {
  return new JobTest(job, options).run()
}

/** One call of `testJob`: the world, what lies outside of the process, and one process after another. */
class JobTest {
  readonly #job: JobModule
  readonly #options: TestJobOptions
  readonly #params: Readonly<Record<string, unknown>>
  readonly #built: BuiltJob
  readonly #world: SimulatedWorld
  readonly #plan: CrashPlan
  readonly #disk: SimulatedDisk
  readonly #deliveries: Deliveries = new Deliveries()
  readonly #events: JobEvent[] = []
  readonly #maxQuantum: number
  readonly #channelBytes: number
  readonly #bufferTimeoutMs: number
  readonly #autoWatermarkIntervalMs: number
  /** The process that runs now has been asked to stop. */
  #isStopping = false
  /** The input has been ended, for the processes that follow too. */
  #isDraining = false

  constructor(job: JobModule, options: TestJobOptions) {
    this.#job = job
    this.#options = options
    this.#params = job.parseParams(options.params ?? {})
    this.#built = this.#build()
    this.#world = new SimulatedWorld(options.seed ?? 1)
    this.#plan = new CrashPlan([options.crashAt ?? []].flat())
    this.#disk = options.disk ?? new SimulatedDisk()
    this.#maxQuantum = this.#draw([1, 4, 16])
    this.#channelBytes = this.#draw([256, 2_048, 65_536])
    this.#bufferTimeoutMs = this.#draw([0, 3, 10])
    this.#autoWatermarkIntervalMs = this.#draw([1, 5, 20])
  }

  #draw(choices: readonly number[]): number {
    return choices[Math.floor(this.#world.random.next() * choices.length)]!
  }

  #build(): BuiltJob {
    const { parallelism = 1, maxParallelism = DEFAULT_MAX_PARALLELISM } = this.#options
    return this.#job.build(this.#params, { parallelism, maxParallelism })
  }

  async run(): Promise<TestJobResult> {
    for (;;) {
      const result = await this.#process()
      if (result === undefined || result.status === 'stopped') continue
      const sinks = planOperators(this.#built.plan).filter((operator) => operator.type === 'sink')
      return {
        collected: {
          ...Object.fromEntries(sinks.map((sink) => [sink.name, []])),
          ...this.#deliveries.values,
        },
        events: this.#events,
        crashes: this.#plan.crashes,
        trace: this.#world.trace,
        metrics: result.metrics,
        disk: this.#disk,
      }
    }
  }

  /** One process from its start to its end; undefined when it crashed. */
  async #process(): Promise<JobResult | undefined> {
    const world = this.#world
    this.#isStopping = false
    const main = world.thread('main')
    const launcher = this.#launcher(main)
    const run = this.#jobRun(main, launcher)
    if (this.#isDraining) run.drain()
    let outcome: { readonly result: JobResult } | { readonly error: unknown } | undefined
    run.run().then(
      (result) => {
        outcome = { result }
      },
      (error: unknown) => {
        outcome = { error }
      },
    )
    const { maxSteps = MAX_STEPS } = this.#options
    const isAlive = await world.run(() => {
      if (outcome !== undefined || main.isEnded) return true
      this.#interrupt(run, launcher)
      return main.isEnded || world.steps >= maxSteps
    })
    if (main.isEnded) return undefined
    if (outcome === undefined) throw this.#endless(run, isAlive)
    world.crash()
    if ('result' in outcome) return outcome.result
    // What fails while the job is being stopped ends the run; the next one goes on (R14).
    if (this.#isStopping && outcome.error instanceof RestartableError) return undefined
    if (this.#isStorageFault(outcome.error)) return undefined
    throw outcome.error
  }

  #interrupt(run: JobRun, launcher: SimulatedLauncher): void {
    const { steps } = this.#world
    const due = this.#plan.dueAt(steps)
    // Between two attempts there is no thread to lose: later, then.
    if (due === undefined || (due.kind === 'thread' && !launcher.lose(due.slot))) return
    this.#plan.happened(steps)
    if (due.kind === 'drain') {
      this.#isDraining = true
      run.drain()
    } else if (due.kind === 'stop') {
      this.#isStopping = true
      run.stop()
    } else if (due.kind !== 'thread') this.#world.crash()
  }

  /** The job ended because of faults that this test injects: the next run tries again. */
  #isStorageFault(error: unknown): boolean {
    if ((this.#options.storageFaults ?? 0) === 0 || !(error instanceof StreamError)) return false
    return [error.code, error.fields['code']].includes('MR_CHECKPOINT_FAILED')
  }

  #launcher(main: SimulatedThread): SimulatedLauncher {
    return new SimulatedLauncher({
      world: this.#world,
      main,
      build: () => this.#build(),
      storageOf: (thread) => this.#storage(thread),
      maxQuantum: this.#maxQuantum,
      failpoint: (name) => {
        if (!main.isEnded && this.#plan.reaches(name, this.#world.steps)) this.#world.crash()
      },
    })
  }

  #storage(thread: SimulatedThread): SimulatedStorage {
    const { random } = this.#world
    const { storageFaults = 0 } = this.#options
    return new SimulatedStorage({
      disk: this.#disk,
      later: (task) => {
        const queue = Math.floor(random.next() * STORAGE_QUEUES)
        this.#world.enqueue(`storage${queue}`, thread, task)
      },
      fault: (_write: StorageWrite) => {
        if (storageFaults === 0 || random.next() >= storageFaults) return undefined
        return random.next() < 0.5 ? 'before' : 'after'
      },
    })
  }

  #jobRun(main: SimulatedThread, launcher: SimulatedLauncher): JobRun {
    const { plan } = this.#built
    const { strict = true, checkpointInterval = 50 } = this.#options
    const disk = this.#disk
    const failpoint = (name: Parameters<CrashPlan['reaches']>[0]): void => {
      if (!main.isEnded && this.#plan.reaches(name, this.#world.steps)) this.#world.crash()
    }
    const onEvent = (event: JobEvent): void => {
      if (!main.isEnded) this.#events.push(event)
    }
    return new JobRun({
      plan,
      clock: main.clock,
      random: this.#world.random,
      launcher,
      storage: this.#storage(main),
      facts: {
        millrace: 'test',
        lineage: LINEAGE,
        ancestry: [],
        workingDirectory: '/simulated',
        sources: {},
      },
      foreign: undefined,
      settings: {
        parallelism: plan.parallelism,
        maxParallelism: plan.maxParallelism,
        lineage: LINEAGE,
        strict,
        allow: [],
        cacheBytesPerSlot: 1_000_000,
        channelBytes: this.#channelBytes,
        bufferTimeoutMs: this.#bufferTimeoutMs,
        autoWatermarkIntervalMs: this.#autoWatermarkIntervalMs,
      },
      workDirectory: (attempt) => `/simulated/${attempt}`,
      policy: 'refuse',
      restart: createRestartStrategy(plan.restart),
      checkpointIntervalMs: parseDuration(checkpointInterval, 'checkpointInterval of testJob'),
      progressIntervalMs: 0,
      allowRewind: false,
      allowNonRestoredState: false,
      pathOf: (checkpointId) => `/simulated/chk-${checkpointId}`,
      abandoned: [...disk.abandonedIds],
      abandon: async (ids) => {
        for (const id of ids) disk.abandonedIds.add(id)
      },
      isCommitted: async (id) => disk.committedIds.has(id),
      markCommitted: async (id) => {
        if (!main.isEnded) disk.committedIds.add(id)
      },
      checkUnchanged: async () => {},
      started: (base, notes) => {
        onEvent({
          type: 'started',
          job: plan.job,
          directory: '/simulated',
          lineage: LINEAGE,
          parallelism: plan.parallelism,
          mode: base === undefined ? 'fresh' : 'resumed',
          restored:
            base === undefined ? undefined : { lineage: LINEAGE, checkpointId: base.checkpointId },
          plan,
          notes,
        })
      },
      deliveries: this.#deliveries,
      onEvent,
      print: (uid, lines) => {
        onEvent({ type: 'print', uid, lines })
        return undefined
      },
      failpoint,
    })
  }

  #endless(run: JobRun, isAlive: boolean): StreamError {
    const { steps, now } = this.#world
    const { recordsRead, recordsWritten, checkpoints } = run.metrics
    const what = isAlive
      ? `has not ended after ${steps} steps of the scheduler`
      : 'waits for something that never comes: nothing is left to do, and it has not ended'
    return new StreamError(
      'MR_TEST_ENDLESS',
      `testJob: job "${this.#job.name}" ${what}; it has read ${recordsRead} records, written ${recordsWritten} and completed ${checkpoints} checkpoints in this run; testJob needs the end of all input; give it bounded sources, or raise maxSteps where the job is merely long.`,
      { steps, now, recordsRead, recordsWritten, checkpoints },
    )
  }
}
