import type { JobPlan, PlanParameter } from '../graph/job-plan.ts'
import type { StreamGraph } from '../graph/stream-graph.ts'

/**
 * Marks a job object, whichever copy of the package made it (N7): `job[JOB_BRAND]` is the version of this interface.
 */
export const JOB_BRAND: symbol = Symbol.for('millrace.job')

/** Version of `JobModule`; a job of another version is refused with the way out. */
export const JOB_VERSION = 1

/** What the runtime knows of the default export of a job module: made by `job()`. */
export interface JobModule {
  readonly name: string
  readonly parameters: readonly PlanParameter[]
  /**
   * Checks and converts given values (strings as on the command line, or values of the right type), fills in defaults.
   * Fails with `MR_PARAMETER_INVALID`, listing what there is. Idempotent: its result may be given again.
   */
  parseParams(given: Readonly<Record<string, unknown>>): Record<string, unknown>
  /** Calls the graph function; checks the graph. The same in every thread for the same parameters. */
  build(params: Readonly<Record<string, unknown>>, shape: JobShape): BuiltJob
}

/** Key groups of a job, and with them its highest parallelism, unless a checkpoint says otherwise. */
export const DEFAULT_MAX_PARALLELISM = 1_024

export interface JobShape {
  readonly parallelism: number
  readonly maxParallelism: number
}

export interface BuiltJob {
  readonly graph: StreamGraph
  /** As data, for the main thread (N8); `plan.structuralHash` is what threads compare. */
  readonly plan: JobPlan
}
