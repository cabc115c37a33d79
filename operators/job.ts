import { buildJobGraph } from '../runtime/graph/job-graph.ts'
import { buildPlan } from '../runtime/graph/build-plan.ts'
import { StreamError } from '../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { RenamedUids } from '../runtime/graph/renamed-uids.ts'
import type { RestartConfig } from '../runtime/graph/restart-config.ts'
import type { StreamGraph } from '../runtime/graph/stream-graph.ts'
import { validateGraph } from '../runtime/graph/validate-graph.ts'
import {
  type BuiltJob,
  JOB_BRAND,
  JOB_VERSION,
  type JobModule,
  type JobShape,
} from '../runtime/job/job-module.ts'
import { GraphEnvironment, type StreamEnvironment } from './environment.ts'
import type { Synchronous } from './function.ts'
import { StreamGraphBuilder } from './graph-builder.ts'
import type { ParamDeclarations, ParamValues } from './param.ts'
import { JobParameters } from './parameters.ts'
import { isThenable } from './synchronous.ts'

/** What belongs to a job besides its graph. */
export interface JobOptions<P extends ParamDeclarations> {
  /** Values that are set from outside, by name: `{ rate: param.number(0, 'Rows per second') }`. */
  readonly params?: P
  /** What follows a failure. Default: exponential delay. */
  readonly restart?: RestartConfig
  /**
   * By the uid that an operator, source or sink had when a checkpoint was taken, the one that it has now: `{ old: 'new' }`. An
   * entry may stay when no checkpoint has the old uid any more.
   */
  readonly renamedUids?: RenamedUids
}

const JOB: OptionNames<JobOptions<ParamDeclarations>> = {
  params: true,
  restart: true,
  renamedUids: true,
}

/** What the type of an asynchronous graph function says. */
export type BuildMustBeSynchronous = 'the function of a job must not return a Promise'

/**
 * Declares a job: the default export of a job module.
 *
 * The function builds the graph: it is called later and in every thread, never while the module is evaluated, so constants
 * may follow it. It must build the same graph each time: from its parameters, not from time, randomness or files.
 *
 * @example
 * export default job('orders', { params: { path: param.string('orders.csv') } }, (env, params) => {
 *   env
 *     .fromSource(fileSource({ path: params.path, format: csv() }), { uid: 'orders' })
 *     .sinkTo(printSink(), { uid: 'print' })
 * })
 */
export function job<R, const P extends ParamDeclarations = Record<never, never>>(
  name: string,
  options: JobOptions<P>,
  build: (env: StreamEnvironment, params: ParamValues<P>) => Synchronous<R, BuildMustBeSynchronous>,
): JobModule {
  checkOptionNames(options, JOB, `job("${name}")`)
  const parameters = new JobParameters(name, options.params ?? {})
  const module: JobModule & Readonly<Record<symbol, number>> = {
    [JOB_BRAND]: JOB_VERSION,
    name,
    parameters: parameters.list,
    parseParams: (given) => parameters.parse(given),
    build(given, shape) {
      const params = parameters.parse(given)
      const graph = collect(name, (env) => build(env, Object.freeze(params) as ParamValues<P>))
      const { restart, renamedUids } = options
      return plan(graph, { name, parameters, params, shape, restart, renamedUids })
    },
  }
  return module
}

/** Calls the graph function and takes what it has built. */
function collect(name: string, build: (env: StreamEnvironment) => unknown): StreamGraph {
  const builder = new StreamGraphBuilder()
  const result = build(new GraphEnvironment(builder))
  if (isThenable(result)) throw asyncGraph(name, result)
  return builder.finish()
}

function asyncGraph(job: string, promise: PromiseLike<unknown>): StreamError {
  // The error thrown here already ends it.
  promise.then(undefined, () => {})
  return new StreamError(
    'MR_FUNCTION_ASYNC',
    `Job "${job}": the function that builds its graph returned a promise; the graph must be complete when it returns, so nothing can run; make it a plain function, and load what it needs at the top of the module.`,
    { job },
  )
}

function plan(
  graph: StreamGraph,
  options: {
    readonly name: string
    readonly parameters: JobParameters
    readonly params: Readonly<Record<string, unknown>>
    readonly shape: JobShape
    readonly restart: RestartConfig | undefined
    readonly renamedUids: RenamedUids | undefined
  },
): BuiltJob {
  const { name, parameters, params, shape, renamedUids } = options
  validateGraph(graph, { job: name, ...shape, renamedUids })
  return {
    graph,
    plan: buildPlan(buildJobGraph(graph, shape), {
      job: name,
      parallelism: shape.parallelism,
      maxParallelism: shape.maxParallelism,
      parameters: parameters.list,
      params: parameters.withoutSecrets(params),
      restart: options.restart,
      renamedUids,
    }),
  }
}
