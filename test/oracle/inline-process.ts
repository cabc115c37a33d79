import { join } from 'node:path'
import { LocalMerger } from '../../runtime/checkpoint/segment-merger.ts'
import { checkpointSettings } from '../../runtime/checkpoint/checkpoint-settings.ts'
import type { SeededRandom } from '../../runtime/clock.ts'
import { RestartableError } from '../../runtime/errors.ts'
import type { Failpoint } from '../../runtime/failpoint.ts'
import type { JobPlan } from '../../runtime/graph/job-plan.ts'
import type { Deliveries } from '../../runtime/job/deliveries.ts'
import type { BuiltJob, JobModule } from '../../runtime/job/job-module.ts'
import { JobRun } from '../../runtime/job/job-run.ts'
import { createRestartStrategy } from '../../runtime/job/restart-strategy.ts'
import type { CrashPlan, CrashPoint } from '../../testing/crash-plan.ts'
import { type SimulatedDisk, SimulatedStorage } from '../../testing/simulated-storage.ts'
import { InlineLauncher } from './inline-launcher.ts'
import { InlineThread } from './inline-thread.ts'
import type { SpillCounts } from './watched-state.ts'

/** A process is taken to be stuck that does not turn for so long, or takes that much of the processor: beside others it is slow. */
const PATIENCE_MS = 60_000

/** Of the same form as real ones: sinks write it into the names of files. */
const LINEAGE = '5eed5eed5eed5eed'

export interface InlineClusterOptions {
  readonly job: JobModule
  /** Of each run in turn; the last one stays. */
  readonly parallelisms: readonly number[]
  readonly seed: number
  /** Interruptions; steps are turns of slots. */
  readonly crashAt: readonly CrashPoint[]
  readonly checkpointIntervalMs: number
  readonly strict: boolean
  /** Cache of a slot in front of LevelDB; small, so that state is spilled and read back. */
  readonly cacheBytes: number
}

/** What lies outside of the processes of a job, which run one after another. */
export interface InlineWorld {
  readonly options: InlineClusterOptions
  /** For working copies of state. */
  readonly folder: string
  readonly random: SeededRandom
  readonly crashes: CrashPlan
  /** Checkpoints. */
  readonly disk: SimulatedDisk
  readonly deliveries: Deliveries
  readonly spilled: SpillCounts
  /** Turns of all slots so far, and attempts. */
  turns: number
  attempts: number
}

/** One process of a job under test: a run with its slots, until it ends or is interrupted. */
export class InlineProcess {
  readonly #world: InlineWorld
  readonly #plan: JobPlan
  readonly #main: InlineThread = new InlineThread()
  readonly #launcher: InlineLauncher
  readonly #run: JobRun
  #isStopping = false
  #crashed!: () => void

  /** `build` makes the job anew, as it is in this process. */
  constructor(world: InlineWorld, build: () => BuiltJob) {
    this.#world = world
    this.#plan = build().plan
    this.#launcher = new InlineLauncher({
      main: this.#main,
      random: world.random,
      build,
      storageOf: (thread) => this.#storage(thread),
      spilled: world.spilled,
      failpoint: (name) => this.#reached(name),
      onTurn: () => this.#turn(),
    })
    this.#run = this.#jobRun()
  }

  /** Resolves when nothing of the process is left; fails as the job does. */
  async run(): Promise<'finished' | 'interrupted'> {
    const crashed = new Promise<undefined>((resolve) => {
      this.#crashed = () => resolve(undefined)
    })
    const watch = new InlineThread()
    const begun = process.cpuUsage()
    const isStuck = new Promise<never>((_, reject) => {
      const look = (turnsBefore: number): void => {
        const { turns } = this.#world
        const { user, system } = process.cpuUsage(begun)
        const mayEnd = turns > turnsBefore && (user + system) / 1_000 < PATIENCE_MS
        if (mayEnd) watch.clock.schedule(PATIENCE_MS, () => look(turns))
        else reject(new Error(`the job has not ended after ${PATIENCE_MS} ms, at turn ${turns}`))
      }
      watch.clock.schedule(PATIENCE_MS, () => look(-1))
    })
    try {
      const result = await Promise.race([this.#run.run(), crashed, isStuck])
      return result === undefined || result.status === 'stopped' ? 'interrupted' : 'finished'
    } catch (error) {
      // What fails while the job is being stopped ends the run; the next one goes on (R14).
      if (this.#isStopping && error instanceof RestartableError) return 'interrupted'
      throw error
    } finally {
      watch.end()
      this.#main.end()
      await this.#launcher.end()
    }
  }

  /** A slot is about to have its turn. */
  #turn(): void {
    const { crashes } = this.#world
    const turn = ++this.#world.turns
    const due = crashes.dueAt(turn)
    // Between two attempts there is no thread to lose: later, then.
    if (due === undefined || (due.kind === 'thread' && !this.#launcher.lose(due.slot))) return
    crashes.happened(turn)
    if (due.kind === 'stop') {
      this.#isStopping = true
      this.#run.stop()
    } else if (due.kind !== 'thread') this.#crash()
  }

  #reached(name: Failpoint): void {
    if (!this.#main.isEnded && this.#world.crashes.reaches(name, this.#world.turns)) this.#crash()
  }

  /** The process is gone: nothing of it happens any more. */
  #crash(): void {
    this.#main.end()
    void this.#launcher.end()
    this.#crashed()
  }

  #storage(thread: InlineThread): SimulatedStorage {
    const { disk } = this.#world
    return new SimulatedStorage({ disk, later: (task) => thread.clock.nextTurn(task) })
  }

  #jobRun(): JobRun {
    const { disk, random, folder, deliveries } = this.#world
    const plan = this.#plan
    const { strict, cacheBytes, checkpointIntervalMs } = this.#world.options
    const main = this.#main
    return new JobRun({
      plan,
      clock: main.clock,
      random,
      launcher: this.#launcher,
      storage: this.#storage(main),
      merger: new LocalMerger(this.#storage(main), main.clock),
      facts: {
        millrace: 'test',
        lineage: LINEAGE,
        ancestry: [],
        workingDirectory: folder,
        sources: {},
      },
      foreign: undefined,
      settings: {
        parallelism: plan.parallelism,
        maxParallelism: plan.maxParallelism,
        lineage: LINEAGE,
        strict,
        allow: [],
        cacheBytesPerSlot: cacheBytes,
        channelBytes: [512, 4_096, 65_536][Math.floor(random.next() * 3)]!,
        bufferTimeoutMs: Math.floor(random.next() * 2),
        autoWatermarkIntervalMs: 1 + Math.floor(random.next() * 3),
      },
      workDirectory: () => join(folder, String(++this.#world.attempts)),
      policy: 'refuse',
      restart: createRestartStrategy(plan.restart),
      checkpoints: checkpointSettings(checkpointIntervalMs),
      progressIntervalMs: 0,
      allowRewind: false,
      allowNonRestoredState: false,
      resetWatermarks: false,
      pathOf: (checkpointId) => `chk-${checkpointId}`,
      abandoned: [...disk.abandonedIds],
      abandon: async (ids) => {
        for (const id of ids) disk.abandonedIds.add(id)
      },
      isCommitted: async (id) => disk.committedIds.has(id),
      markCommitted: async (id) => {
        if (!main.isEnded) disk.committedIds.add(id)
      },
      checkUnchanged: async () => {},
      started: () => {},
      deliveries,
      onEvent: () => {},
      print: () => undefined,
      failpoint: (name) => this.#reached(name),
    })
  }
}
