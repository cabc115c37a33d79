import { runJob } from '../../runtime/job/run-job.ts'

/*
 * Runs a job in a process of its own: `node run-process.ts JOB-URL OPTIONS-AS-JSON`. Writes each event as a line of JSON.
 */

const [job, options] = process.argv.slice(2)

const told = (event: object): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

runJob(job!, { ...(JSON.parse(options!) as object), onEvent: told }).then(
  ({ status }) => told({ type: 'ended', status }),
  (error: { code?: string; message: string }) =>
    told({ type: 'ended', code: error.code, message: error.message }),
)
