import type { Duration } from '../runtime/duration.ts'
import type { JobEvent, JobMetrics } from '../runtime/job/job-events.ts'
import type { OutputTag } from '../runtime/operator.ts'
import type { OptionNames } from '../runtime/option-names.ts'
import type { Crash, CrashPoint } from './crash-plan.ts'
import type { ManualClock } from './manual-clock.ts'
import type { SimulatedDisk } from './simulated-storage.ts'

/** What a job is tested with. */
export interface TestJobOptions {
  /** As on the command line, or values of the right type; defaults are filled in. */
  readonly params?: Readonly<Record<string, unknown>>
  /**
   * Of each run in turn, where the job is to go on at another parallelism after an interruption that ends its process (R12); the
   * last one stays. Default 1.
   */
  readonly parallelism?: number | readonly number[]
  readonly maxParallelism?: number
  /**
   * What the sources read, by uid, in place of what they read in the job: values as for `collectionSource`, with its markers.
   * Watermark strategies stay. Every sink of the job is then replaced by a `collectionSink`, so that nothing outside is
   * touched. Default: sources and sinks are those of the job.
   */
  readonly inputs?: Readonly<Record<string, readonly unknown[]>>
  /** Side outputs to collect, of any operator, whether or not the job reads them. */
  readonly sideOutputs?: readonly OutputTag<unknown>[]
  /** Decides the order of all that happens, and sizes of batches and turns. Same seed, same trace. Default 1. */
  readonly seed?: number
  /**
   * Virtual time: the job begins at its time and moves it on, and what is scheduled on it happens in between. For functions
   * that read the time or wait, which are given the same clock. Default: a new one.
   */
  readonly clock?: ManualClock
  /** In virtual time, which passes with each turn of a slot (1 ms each). Default 50 ms. */
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

export const TEST_JOB: OptionNames<TestJobOptions> = {
  params: true,
  parallelism: true,
  maxParallelism: true,
  inputs: true,
  sideOutputs: true,
  seed: true,
  clock: true,
  checkpointInterval: true,
  crashAt: true,
  storageFaults: true,
  strict: true,
  maxSteps: true,
  disk: true,
}

/** What has come of a job under test. */
export interface TestJobResult {
  /** What each collection sink has committed, by uid, in the order of delivery; other sinks are not in it. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>
  /** What has been emitted to a side output, once each; the tag must be among `sideOutputs` of the options. */
  sideOutputValues<S>(tag: OutputTag<S>): readonly S[]
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
