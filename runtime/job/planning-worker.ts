import { parentPort, workerData } from 'node:worker_threads'
import { SystemClock } from '../clock.ts'
import { invariant, toErrorData } from '../errors.ts'
import { captureOutput } from './console-capture.ts'
import type { JobModule } from './job-module.ts'
import { loadFailure, loadJob } from './load-job.ts'
import type { PlanningAnswer, PlanningRequest } from './planning.ts'

/*
 * Entry of the planning worker: imports the job and says what it is, then builds its graph when it is asked to (N8).
 * It ends by being terminated, whatever the job module has left running.
 */

const port = parentPort
invariant(port !== null, 'the planning worker runs in a thread of its own')
const { jobUrl } = workerData as { readonly jobUrl: string }

function answer(message: PlanningAnswer): void {
  port!.postMessage(message, [])
}

function fail(thrown: unknown): void {
  answer({ type: 'failed', error: toErrorData(loadFailure(thrown, jobUrl)) })
}

function build(job: JobModule, request: PlanningRequest): void {
  const { parallelism, maxParallelism } = request
  const params = job.parseParams(request.params)
  const { plan } = job.build(params, { parallelism, maxParallelism })
  answer({ type: 'built', plan, params })
}

// A thread does not inherit it: stacks of compiled jobs then name the lines that the user wrote (N20).
process.setSourceMapsEnabled(true)
captureOutput(new SystemClock(), (line) => answer({ type: 'log', line }))
process.on('uncaughtException', fail)

const loading = loadJob(jobUrl)
loading.then(({ name, parameters }) => answer({ type: 'described', name, parameters }), fail)
port.on('message', (request: PlanningRequest) => {
  loading.then((job) => build(job, request)).catch(fail)
})
