import { runInProcess } from './process-host.ts'

/* Entry of the command line: `node cli/main.ts run JOB.ts`. The exit code is set, not forced. */

process.exitCode = await runInProcess(process.argv.slice(2))
