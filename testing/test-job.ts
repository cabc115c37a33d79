import { LocalMerger } from '../runtime/checkpoint/segment-merger.ts'
import type { CheckpointStorage } from '../runtime/checkpoint/checkpoint-storage.ts'
import { checkpointSettings } from '../runtime/checkpoint/checkpoint-settings.ts'
import { parseDuration } from '../runtime/duration.ts'
import { asError, fromErrorData, RestartableError, StreamError } from '../runtime/errors.ts'
import { Deliveries } from '../runtime/job/deliveries.ts'
import type { JobEvent, JobResult } from '../runtime/job/job-events.ts'
import {
  type BuiltJob,
  DEFAULT_MAX_PARALLELISM,
  type JobModule,
} from '../runtime/job/job-module.ts'
import { JobRun } from '../runtime/job/job-run.ts'
import { createRestartStrategy } from '../runtime/job/restart-strategy.ts'
import { planOperators } from '../runtime/job/restore-plan.ts'
import { checkOutputTag, type OutputTag } from '../runtime/operator.ts'
import { CrashPlan } from './crash-plan.ts'
import { endless, SurvivedFailures } from './endless.ts'
import { withNote } from './failure-note.ts'
import { isSideOutputName, sideOutputName, withEnds } from './job-ends.ts'
import { checkKitOptions, checkTags, misuse } from './misuse.ts'
import { SimulatedLauncher } from './simulated-launcher.ts'
import { SimulatedDisk, type StorageWrite } from './simulated-storage.ts'
import { type SimulatedThread, SimulatedWorld } from './simulated-world.ts'
import { TEST_JOB, type TestJobOptions, type TestJobResult } from './test-job-options.ts'

/** Steps after which a job is taken to be endless. */
const MAX_STEPS = 500_000

/** Completions of storage come in this many queues, so that they overtake each other. */
const STORAGE_QUEUES = 3

/** Of the same form as real ones: sinks write it into the names of files. */
const LINEAGE = '5eed5eed5eed5eed'

/**
 * Runs a whole job to its end in this thread: every slot, the coordinator and the checkpoint storage under one seeded
 * scheduler, with virtual time (R40).
 *
 * State is in memory, and checkpoints are in a simulated storage that alone survives a crash. Sources are those of the job
 * and must be bounded, or `inputs` take their place; what a `collectionSink` commits is in the result. Real files that a job reads or writes are read and
 * written; a file sink does not know that its process has crashed, so crashes are for jobs that end in collection sinks.
 * Fails with the error that the job ends with, with `MR_TEST_ENDLESS` when it does not end, both of which name the seed, and
 * with `MR_TEST_INVALID` for options that mean nothing.
 *
 * @example
 * const inputs = { payments: [{ card: 'a', cents: 5 }, { card: 'a', cents: 900 }] }
 * const { collected } = await testJob(alertsJob, { inputs, seed: 7, crashAt: 'before-commit' })
 * expect(collected['alerts']).toEqual([…])
 */
export async function testJob(
  job: JobModule,
  options: TestJobOptions = {},
): Promise<TestJobResult> {
  checkJob(job, options)
  return new JobTest(job, options).run()
}

function checkJob(job: unknown, options: TestJobOptions): void {
  checkKitOptions(options, TEST_JOB, 'testJob')
  const { seed = 1, sideOutputs = [] } = options
  checkTags(sideOutputs, 'sideOutputs of testJob')
  if (typeof (job as Partial<JobModule> | undefined)?.build !== 'function') {
    throw misuse(
      'testJob',
      `it was given ${job === null ? 'null' : `something of type ${typeof job}`} that is no job; there is nothing to run; give what job(…) returned, which is the default export of a job module.`,
    )
  }
  if (Array.isArray(options.parallelism) && options.parallelism.length === 0) {
    throw misuse(
      'testJob',
      'parallelism is an empty list; no run has a parallelism; give one, or that of each run in turn.',
    )
  }
  if (Number.isSafeInteger(seed)) return
  throw misuse(
    'testJob',
    `seed is ${String(seed)}; seeds that are no whole numbers are not told apart; give a whole number.`,
  )
}

/** One call of `testJob`: the world, what lies outside of the process, and one process after another. */
class JobTest {
  readonly #job: JobModule
  readonly #options: TestJobOptions
  readonly #seed: number
  readonly #params: Readonly<Record<string, unknown>>
  /** Those of the runs to come. */
  readonly #parallelisms: number[]
  #parallelism: number
  #built: BuiltJob
  readonly #world: SimulatedWorld
  readonly #plan: CrashPlan
  readonly #disk: SimulatedDisk
  readonly #deliveries: Deliveries = new Deliveries()
  readonly #events: JobEvent[] = []
  readonly #maxQuantum: number
  readonly #channelBytes: number
  /** Of the least all state leaves memory, of the most none. */
  readonly #cacheBytes: number
  readonly #bufferTimeoutMs: number
  readonly #autoWatermarkIntervalMs: number
  /** How many there have been, with the one that runs now. */
  #processes = 0
  /** The process that runs now has been asked to stop. */
  #isStopping = false
  /** The input has been ended, for the processes that follow too. */
  #isDraining = false
  /** Of all processes. */
  readonly #failures: SurvivedFailures = new SurvivedFailures()

  constructor(job: JobModule, options: TestJobOptions) {
    this.#job = job
    this.#options = options
    this.#seed = options.seed ?? 1
    this.#params = job.parseParams(options.params ?? {})
    this.#parallelisms = [options.parallelism ?? 1].flat()
    this.#parallelism = this.#parallelisms.shift() ?? 1
    this.#built = this.#build()
    this.#world = new SimulatedWorld(this.#seed, options.clock)
    this.#plan = new CrashPlan([options.crashAt ?? []].flat())
    this.#disk = options.disk ?? new SimulatedDisk()
    this.#maxQuantum = this.#draw([1, 4, 16])
    this.#channelBytes = this.#draw([256, 2_048, 65_536])
    this.#cacheBytes = this.#draw([1, 20_000, 1_000_000])
    this.#bufferTimeoutMs = this.#draw([0, 3, 10])
    this.#autoWatermarkIntervalMs = this.#draw([1, 5, 20])
  }

  #draw(choices: readonly number[]): number {
    return choices[Math.floor(this.#world.random.next() * choices.length)]!
  }

  #build(): BuiltJob {
    const { inputs, sideOutputs = [], maxParallelism = DEFAULT_MAX_PARALLELISM } = this.#options
    const shape = { parallelism: this.#parallelism, maxParallelism }
    return withEnds(this.#job.build(this.#params, shape), shape, { inputs, sideOutputs })
  }

  async run(): Promise<TestJobResult> {
    for (;;) {
      let result: JobResult | undefined
      try {
        result = await this.#process()
      } catch (error) {
        throw withNote(error, (message) => `${message} ${this.#howToReplay()}`)
      }
      if (result === undefined || result.status === 'stopped') {
        this.#goOnAtNext()
        continue
      }
      return {
        collected: this.#collected(),
        sideOutputValues: <S>(tag: OutputTag<S>) => this.#sideOutput(tag) as readonly S[],
        events: this.#events,
        crashes: this.#plan.crashes,
        trace: this.#world.trace,
        metrics: result.metrics,
        disk: this.#disk,
      }
    }
  }

  /** The next run has the next parallelism. */
  #goOnAtNext(): void {
    const next = this.#parallelisms.shift()
    if (next === undefined) return
    this.#parallelism = next
    this.#built = this.#build()
  }

  #howToReplay(): string {
    const crashes = this.#plan.crashes.map(({ point }) => JSON.stringify(point))
    const after = crashes.length === 0 ? '' : ` after ${crashes.join(', ')}`
    return `(testJob, seed ${this.#seed}: at step ${this.#world.steps}${after}; the same call with seed: ${this.#seed} does the same again)`
  }

  /** A sink that does not collect is left out: an empty list would look as if nothing had gone into it. */
  #collected(): Readonly<Record<string, readonly unknown[]>> {
    const delivered = this.#deliveries.values
    const sinks = planOperators(this.#built.plan)
      .filter(({ type, name }) => type === 'sink' && !isSideOutputName(name))
      .filter(({ operatorKind, name }) => operatorKind === 'collection' || name in delivered)
      .map(({ name }): [string, readonly unknown[]] => [name, delivered[name] ?? []])
    return Object.fromEntries(sinks)
  }

  #sideOutput(tag: OutputTag<unknown>): readonly unknown[] {
    checkOutputTag(tag, 'sideOutputValues()')
    const { sideOutputs = [] } = this.#options
    const index = sideOutputs.findIndex(({ name }) => name === tag.name)
    if (index !== -1) return this.#deliveries.values[sideOutputName(index)] ?? []
    throw misuse(
      'sideOutputValues()',
      `side output "${tag.name}" was not collected; there is nothing to show; add its tag to sideOutputs in the options of testJob.`,
    )
  }

  /** One process from its start to its end; undefined when it crashed. */
  async #process(): Promise<JobResult | undefined> {
    const world = this.#world
    this.#processes++
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
    if (outcome === undefined) {
      const { metrics } = run
      throw endless({ job: this.#job.name, isAlive, world, metrics, failures: this.#failures })
    }
    world.crash()
    if ('result' in outcome) return outcome.result
    // What fails while the job is being stopped ends the run; the next one goes on (R14).
    const { error } = outcome
    const goesOn = this.#isStopping && error instanceof RestartableError
    if (!goesOn && !this.#isStorageFault(error)) throw error
    this.#failures.add(asError(error))
    return undefined
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

  #storage(thread: SimulatedThread): CheckpointStorage {
    const { random } = this.#world
    const { storageFaults = 0 } = this.#options
    return this.#disk.open({
      process: this.#processes,
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
      if (main.isEnded) return
      this.#events.push(event)
      if (event.type === 'restarting') this.#failures.add(fromErrorData(event.error))
    }
    return new JobRun({
      plan,
      clock: main.clock,
      random: this.#world.random,
      launcher,
      storage: this.#storage(main),
      merger: new LocalMerger(this.#storage(main), main.clock),
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
        cacheBytesPerSlot: this.#cacheBytes,
        channelBytes: this.#channelBytes,
        bufferTimeoutMs: this.#bufferTimeoutMs,
        autoWatermarkIntervalMs: this.#autoWatermarkIntervalMs,
      },
      workDirectory: (attempt) => `/simulated/${attempt}`,
      policy: 'refuse',
      restart: createRestartStrategy(plan.restart),
      checkpoints: checkpointSettings(
        parseDuration(checkpointInterval, 'checkpointInterval of testJob'),
      ),
      progressIntervalMs: 0,
      allowRewind: false,
      allowNonRestoredState: false,
      resetWatermarks: false,
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
}
