import { SeededRandom } from '../../runtime/clock.ts'
import type { JobModule } from '../../runtime/job/job-module.ts'
import { buildJob } from './build-job.ts'
import { type GraphDescription, KEYED, type Step } from './random-graph.ts'
import { below } from './rows.ts'

/** A job whose graph is another one at each parallelism. */
export function jobAtEach(make: (parallelism: number) => JobModule): JobModule {
  return { ...make(1), build: (params, shape) => make(shape.parallelism).build(params, shape) }
}

/** The same job, whose operators have other parallelisms, drawn anew, with each parallelism of the job. */
export function rescalingJob(name: string, graph: GraphDescription, seed: number): JobModule {
  return jobAtEach((parallelism) => buildJob(name, respread(graph, { seed, parallelism })))
}

/** Other parallelisms for the steps of a graph, so that what was chained or forwarded is spread now, and the other way round. */
function respread(
  graph: GraphDescription,
  { seed, parallelism }: { readonly seed: number; readonly parallelism: number },
): GraphDescription {
  const random = new SeededRandom(seed * 31 + parallelism)
  const draw = (): number => 1 + below(random, parallelism)
  const steps: Step[] = []
  for (const step of graph.steps) {
    steps.push({ ...step, parallelism: parallelismFor(step, steps[step.from], draw()) })
  }
  return { steps, sinks: graph.sinks.map((sink) => ({ ...sink, parallelism: draw() })) }
}

/** What it may have, so that the rows of a key keep their order where the job counts on that. */
function parallelismFor(step: Step, before: Step | undefined, drawn: number): number {
  const { kind, isOrdered } = step
  if (before === undefined) return drawn
  // Both halves are of one operator.
  if (kind.type === 'side' && kind.of === 'side') return before.parallelism
  if (KEYED.includes(kind.type) || !isOrdered) return drawn
  return drawn % 2 === 0 ? 1 : before.parallelism
}
