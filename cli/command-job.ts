import { resolvePlace } from '../runtime/job/place-names.ts'
import type { SavepointProgress } from '../runtime/job/savepoints.ts'
import { NAME_RULE, nameProblem } from '../runtime/names.ts'
import type { SavepointCommand, StopCommand } from './args.ts'
import type { JobReference } from './given.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'
import { Screen } from './screen.ts'
import { formatBytes } from './units.ts'
import { usageError } from './usage-error.ts'

/** Tells a job that runs in another process to take a savepoint, or to stop with one, and prints where that is. */
export async function commandJob(
  command: SavepointCommand | StopCommand,
  host: Host,
): Promise<number> {
  const screen = new Screen(host.stdout, host.stderr, host.stderr.isTerminal && !command.json)
  const job = await nameOf(command, host)
  const dir = command.dir ?? '.millrace'
  const path = command.path === undefined ? undefined : resolvePlace(command.path)
  const told =
    command.verb === 'stop'
      ? { verb: command.verb, path, drain: command.drain }
      : { verb: command.verb, path }
  let stage: SavepointProgress['stage'] | undefined
  try {
    const savepoint = await host.commandJob({ dir, work: command.work, job }, told, (progress) => {
      const line = progressText(progress)
      if (screen.isLive) screen.setStatus(line)
      else if (progress.stage !== stage) screen.log(line)
      stage = progress.stage
    })
    screen.clearStatus()
    await screen.print(command.json ? toLine({ path: savepoint.path }) : `${savepoint.path}\n`)
    return 0
  } finally {
    screen.clearStatus()
  }
}

/** The name of the job: as it is written, or as its file says. */
async function nameOf(
  reference: JobReference & { readonly verb: string },
  host: Host,
): Promise<string> {
  if (reference.job !== undefined) {
    const onLog = (line: string): void => void host.stderr.write(`${line}\n`)
    return (await host.describeJob(reference.job, { onLog })).name
  }
  const { name, verb } = reference
  const problem = nameProblem(name)
  if (problem === undefined) return name
  throw usageError(
    `millrace ${verb}`,
    `the job is "${name}", ${problem}`,
    `give its file, or its name: ${NAME_RULE}`,
    `millrace ${verb} --help`,
  )
}

function progressText(progress: SavepointProgress): string {
  if (progress.stage === 'checkpoint') return 'waiting for a checkpoint …'
  const { copied, total } = progress
  return `copying it: ${formatBytes(copied)} of ${formatBytes(total)} …`
}
