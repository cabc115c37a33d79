import type { CheckpointSummary, SavepointSummary } from '../checkpoint/checkpoint-summary.ts'
import type { ErrorData } from '../errors.ts'
import type { EventTimeExplanation, EventTimeFigures } from '../event-time.ts'
import type { LineagePoint, OutputPolicy } from '../sink.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import type { HeldSources } from './source-release.ts'

export type { CheckpointSummary, HeldSources, SavepointSummary }

/** Options of a run: every flag of `millrace run`, same names in camelCase, same defaults. */
export interface RunJobOptions {
  /** Default: the checkpoint's on a resume, else the number of cores (N22). */
  readonly parallelism?: number
  /**
   * State and checkpoints live in `dir/<job name>`. Default `.millrace`. In S3 with `s3://bucket/prefix`: this run then takes the job
   * over from one that may be going elsewhere, which ends with `MR_JOB_FENCED`; region, credentials and endpoint come from the
   * environment as the AWS SDK finds them.
   */
  readonly dir?: string
  /**
   * Where `dir` is in S3: the folder on this machine for the working state, and for what commands need to find the run. Default
   * `.millrace/s3`.
   */
  readonly work?: string
  /** From the beginning of one checkpoint to that of the next: milliseconds or '10s'; default 10 s. */
  readonly checkpointInterval?: number | string
  /**
   * At least so long from the end of a checkpoint to the beginning of the next one; default half of the interval, so that records
   * have that much to themselves where checkpoints take longer than their interval. Savepoints and the last one do not wait.
   */
  readonly checkpointMinPause?: number | string
  /** A checkpoint that has not come together within this time is given up; default 10 min. */
  readonly checkpointTimeout?: number | string
  /**
   * So many checkpoints in a row may fail; with one more the job restarts. Default 2: a slow disk may pass, but a job that can
   * take no checkpoints at all must not go on for long either.
   */
  readonly tolerableFailures?: number
  /** The newest checkpoints that are kept; default 3, so that there is something to go back to if a file is damaged (R3). */
  readonly retainedCheckpoints?: number
  /**
   * How long a record may wait, on its way to another thread, for more to travel with: milliseconds or '10ms', from 1 ms; default
   * 10 ms. It counts under load only: a thread that has nothing else to do sends at once. Less is less latency, and more of the
   * time goes into messages.
   */
  readonly bufferTimeout?: number | string
  /** Parameter values as given: strings are parsed by the parameter's type. */
  readonly params?: Readonly<Record<string, unknown>>
  /** Start anew; old state moves to `dir/<job>/old/<n>`, or in S3 stays where it is. */
  readonly fresh?: boolean
  /** Start from this checkpoint or savepoint, on a disk or in S3: its directory or manifest file. It stays the user's, and as it is. */
  readonly from?: string
  /**
   * Take the snapshot of `from` over, on a disk: its files become those of the first checkpoint of this job, which is removed like any
   * other when it is no longer needed; a savepoint is not there any more then, a checkpoint stays with its lineage.
   */
  readonly claim?: boolean
  /** What to do with output in the way that this run does not continue (R2); default: refuse. */
  readonly output?: Exclude<OutputPolicy, 'refuse'>
  /** Bytes or '512mb': cache, channels and heaps together (N15). */
  readonly memory?: number | string
  /** Freeze records and compare encodings after every callback (R16). */
  readonly strict?: boolean
  /** How long a stop may take before threads are terminated (N21). Default 10 s. */
  readonly stopTimeout?: number | string
  readonly allowRewind?: boolean
  readonly allowGrownInput?: boolean
  readonly allowNonRestoredState?: boolean
  /**
   * Let event time begin anew: the watermarks of the checkpoint that the run begins from are dropped, and what generators had
   * seen. Records count as in time that were late before, and windows that have fired may fire again. Default false.
   */
  readonly resetWatermarks?: boolean
  /** Aborting stops the job: last checkpoint, commit, end (R14). */
  readonly signal?: AbortSignal
  /**
   * A stop ends the input instead (R14): the final watermark fires all windows and event-time timers, and the job is finished
   * as if its input had been bounded; `stopTimeout` does not apply. Default false.
   */
  readonly drain?: boolean
  /** Called with each event, on the main thread. What it throws ends the run, which rejects with it. */
  readonly onEvent?: (event: JobEvent) => void
  /**
   * Takes the whole lines that print sinks write; they wait until the promise resolves (N16). Without it they come as
   * `print` events, and without `onEvent` either they go to standard output.
   */
  readonly print?: (uid: string, lines: string) => Promise<void> | undefined
  /** How often `progress` events come; default 1,000 ms, 0 for none. */
  readonly progressInterval?: number
}

export interface JobMetrics {
  /** Records read by sources since this run began. */
  readonly recordsRead: number
  /** Records handed to sinks. */
  readonly recordsWritten: number
  readonly checkpoints: number
  readonly restarts: number
  readonly durationMs: number
  /** User and runtime counters, summed over subtasks: `uid` → counter → number. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Records taken and emitted by operator name. */
  readonly operators: Readonly<
    Record<string, { readonly recordsIn: number; readonly recordsOut: number }>
  >
}

/**
 * How a run ended: `finished` (all input processed and committed), `already-finished` (nothing to do, R34), `stopped`
 * (on request, the same call goes on). Failures reject with the error.
 */
export interface JobResult {
  readonly status: 'finished' | 'already-finished' | 'stopped'
  readonly lastCheckpoint: CheckpointSummary | undefined
  readonly metrics: JobMetrics
  /** Values that collection sinks committed, by uid. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>
}

/** Event time stands still though records come and timers wait for it, or goes on. */
export type EventTimeNews =
  | {
      readonly type: 'event-time-stalled'
      /** Operators that the same thing holds back, in the order of the plan; each is told of once a minute at most. */
      readonly operators: readonly string[]
      /** Of the first of them. */
      readonly explanation: EventTimeExplanation
    }
  | {
      readonly type: 'event-time-resumed'
      readonly operators: readonly string[]
      /** The lowest of theirs by now; Infinity at the end of all input. */
      readonly watermark: number
      /** How long it had stood still. */
      readonly stoodMs: number
    }

export type JobEvent =
  | {
      readonly type: 'started'
      readonly job: string
      /** Absolute state directory of the job, or `s3://…`. */
      readonly directory: string
      readonly lineage: string
      readonly parallelism: number
      /** `fresh`, `resumed` (same lineage), `from` (a new lineage from a snapshot), or `already-finished`. */
      readonly mode: 'fresh' | 'resumed' | 'from' | 'already-finished'
      readonly restored: LineagePoint | undefined
      readonly plan: JobPlan
      /** Lines the user should read: changed files, changed parameters, fallbacks. */
      readonly notes: readonly string[]
    }
  | { readonly type: 'running'; readonly attempt: number }
  | {
      readonly type: 'progress'
      readonly elapsedMs: number
      readonly recordsRead: number
      readonly recordsPerSecond: number
      readonly recordsWritten: number
      /** The lowest watermark over the sources; undefined before the first. */
      readonly watermark: number | undefined
      /** Highest event time seen by sources less the watermark of the slowest operator, in ms. */
      readonly watermarkLagMs: number | undefined
      /** Where event time stands in each subtask of each operator; `explainEventTime` says why. */
      readonly eventTime: EventTimeFigures
      readonly lastCheckpoint: CheckpointSummary | undefined
      readonly counters: JobMetrics['counters']
      readonly operators: JobMetrics['operators']
      /** Sources that are not read yet, since others have `readFirst`, and those; undefined where none is held. */
      readonly held?: HeldSources | undefined
      /**
       * How much of the restored state has been loaded, from 0 to 1; undefined when all has. Records are processed meanwhile:
       * what is not loaded yet is looked up in the checkpoint.
       */
      readonly loadedShare?: number | undefined
    }
  | EventTimeNews
  | ({ readonly type: 'checkpoint' } & CheckpointSummary)
  | {
      readonly type: 'checkpoint-failed'
      readonly checkpointId: number
      readonly error: ErrorData
    }
  /** A savepoint is complete; it was asked for by a command, or by the program. */
  | ({ readonly type: 'savepoint' } & SavepointSummary)
  | { readonly type: 'savepoint-failed'; readonly error: ErrorData }
  | { readonly type: 'print'; readonly uid: string; readonly lines: string }
  | {
      readonly type: 'log'
      readonly uid: string | undefined
      readonly subtaskIndex: number | undefined
      readonly line: string
    }
  | { readonly type: 'note'; readonly message: string }
  | {
      readonly type: 'restarting'
      readonly attempt: number
      readonly delayMs: number
      readonly error: ErrorData
    }
  | { readonly type: 'stopping' }
  /** The input ends because of a stop with `drain`. */
  | { readonly type: 'draining' }
  | ({ readonly type: 'finished' } & Pick<JobResult, 'status' | 'lastCheckpoint' | 'metrics'>)
  | { readonly type: 'error'; readonly error: ErrorData }
