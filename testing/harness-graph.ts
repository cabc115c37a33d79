import { StreamGraphBuilder } from '../operators/graph-builder.ts'
import { buildJobGraph } from '../runtime/graph/job-graph.ts'
import { buildPlan } from '../runtime/graph/build-plan.ts'
import type { JobPlan } from '../runtime/graph/job-plan.ts'
import type { StreamGraph } from '../runtime/graph/stream-graph.ts'
import { validateGraph } from '../runtime/graph/validate-graph.ts'
import type { JobShape } from '../runtime/job/job-module.ts'
import type { HandInput } from './hand-input.ts'
import type { HandOutput } from './hand-output.ts'
import type { UnderTest } from './stream-under-test.ts'

/** What a harness calls itself in the place of a job. */
export const HARNESS_JOB = 'harness'

/** The job that a harness runs: its inputs, what is under test, its output. Fails as the function of a job does. */
export function buildHarnessJob(options: {
  readonly underTest: UnderTest
  readonly inputs: readonly HandInput[]
  readonly output: HandOutput
  readonly shape: JobShape
}): { readonly graph: StreamGraph; readonly plan: JobPlan } {
  const { underTest, inputs, output, shape } = options
  const builder = new StreamGraphBuilder()
  const streams = inputs.map((input) => input.addTo(builder))
  const end = { uid: 'harness-output', parallelism: 1 }
  underTest.build(streams).sinkTo(output.sink, end)
  const built = builder.finish()
  validateGraph(built, { job: HARNESS_JOB, ...shape })
  const graph = output.watch(built)
  const facts = { job: HARNESS_JOB, parameters: [], params: {}, restart: undefined, ...shape }
  return { graph, plan: buildPlan(buildJobGraph(graph, shape), facts) }
}
