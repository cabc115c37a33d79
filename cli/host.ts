import type { Cancel, Clock } from '../runtime/clock.ts'
import type { CommandedJob } from '../runtime/job/control-client.ts'
import type { ControlCommand } from '../runtime/job/control-protocol.ts'
import type { JobResult, RunJobOptions, SavepointSummary } from '../runtime/job/job-events.ts'
import type {
  JobDescription,
  PlanJobOptions,
  PlannedJob,
  PlannerOptions,
} from '../runtime/job/planning.ts'
import type { SavepointProgress } from '../runtime/job/savepoints.ts'
import type { TextStream } from './screen.ts'
import type { StopSignal } from './signals.ts'

/** What the command line needs of its process and of the engine; tests hand in their own. */
export interface Host {
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly version: string
  readonly runJob: (job: string, options: RunJobOptions) => Promise<JobResult>
  readonly planJob: (job: string, options: PlanJobOptions) => Promise<PlannedJob>
  readonly describeJob: (job: string, options: PlannerOptions) => Promise<JobDescription>
  /** Tells a job that runs in another process what to do. */
  readonly commandJob: (
    job: CommandedJob,
    command: ControlCommand,
    onProgress: (progress: SavepointProgress) => void,
  ) => Promise<SavepointSummary>
  /** Calls back with every signal that stops a job, until cancelled; the process no longer ends by itself. */
  onStopSignal(callback: (signal: StopSignal) => void): Cancel
  /** Calls back once when the reader of stdout has gone. */
  onOutputClosed(callback: () => void): void
  /** Ends the process at once, with all its threads. */
  exit(code: number): void
}
