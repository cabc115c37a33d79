import type { PlanCommand } from './args.ts'
import type { Host } from './host.ts'
import { planHeadline, renderPlan } from './render-plan.ts'

/** Shows the graph of a job without running it. */
export async function plan(command: PlanCommand, host: Host): Promise<number> {
  const { job, parallelism, params, json } = command
  const { plan: planned } = await host.planJob(job, {
    params,
    ...(parallelism === undefined ? {} : { parallelism }),
    onLog: (line) => void host.stderr.write(`${line}\n`),
  })
  const text = json
    ? JSON.stringify(planned, undefined, 2)
    : [planHeadline(planned), '', ...renderPlan(planned)].join('\n')
  host.stdout.write(`${text}\n`)
  return 0
}
