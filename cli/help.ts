import type { PlanParameter } from '../runtime/graph/job-plan.ts'
import type { HelpCommand } from './args.ts'
import { columns } from './columns.ts'
import { tellFailure } from './failure.ts'
import { type Flag, FLAGS, type Verb } from './flags.ts'
import type { Host } from './host.ts'
import type { Group } from './verbs.ts'

const GENERAL = `millrace runs a job: a stream of records through operators with state, exactly once.

  millrace run JOB.ts [flags]        run a job, or go on with it where it was
  millrace plan JOB.ts [flags]       show the graph of a job without running it
  millrace check JOB.ts [flags]      say whether a job can go on, and with what of its state
  millrace savepoint JOB [PATH]      take a savepoint of a running job
  millrace stop JOB [PATH]           stop a running job with a savepoint
  millrace state ls PATH             show what a checkpoint or savepoint holds; get, export, diff
  millrace checkpoints ls PATH       list the checkpoints of a job; verify, gc
  millrace help [COMMAND]            show the flags of a command
  millrace --version                 show the version

  millrace run JOB.ts --help         show the parameters of that job too`

const PATHS = `PATH is a checkpoint (its folder chk-<id>) or a savepoint, or the manifest in it; of the folder of a
lineage or of a job (DIR/<job>) the newest checkpoint. The job may be running.`

const GROUPS: Readonly<Record<Group, string>> = {
  state: `millrace state looks into a checkpoint or savepoint.

  millrace state ls PATH             which states there are, and what they hold
  millrace state get PATH            what a state holds for one key
  millrace state export PATH         all entries of a state, as JSON lines
  millrace state diff A B            what differs between two

  millrace state COMMAND --help      shows the flags of a command

${PATHS}`,
  checkpoints: `millrace checkpoints looks after the checkpoints of a job.

  millrace checkpoints ls PATH       list them
  millrace checkpoints verify PATH   check every checksum of every file
  millrace checkpoints gc DIR/<job>  remove what crashes have left

  millrace checkpoints COMMAND --help  shows the flags of a command`,
}

const USAGE: Readonly<Record<Verb, string>> = {
  run: `millrace run JOB.ts [flags]

Runs the job in JOB.ts. Run again after a crash, a stop or a failure, the same command goes on from the
newest complete checkpoint, and the output is as if nothing had happened. A job that has finished says so
and does nothing.`,
  plan: `millrace plan JOB.ts [flags]

Shows the graph of the job in JOB.ts, and runs nothing of it: operators with their uids and declared state,
the chains that run as one, and the shuffles between them.`,
  check: `millrace check JOB.ts [--from PATH] [flags]

Says whether "millrace run JOB.ts --from PATH" would start: what of the state in PATH is restored, what is
upcast, what begins empty, what would be dropped, and every reason why it would be refused. Runs nothing of
the job and writes nothing; the job may be running. What only sources and sinks can tell, such as input that
has changed, is found when the job starts.`,
  savepoint: `millrace savepoint JOB [PATH] [flags]

Takes a savepoint of a job that runs, given by its file or its name, and prints the savepoint's folder once
it is complete. A savepoint stands alone: it may be moved, and millrace never removes it. PATH is a new or
empty folder; default: DIR/<job>/savepoints/<id>. "millrace run JOB.ts --from PATH" starts from it.`,
  stop: `millrace stop JOB [PATH] [flags]

Stops a job that runs, given by its file or its name: with a last checkpoint and its commits, of which a
savepoint is made at the same time. Prints the savepoint's folder when the run has ended and the job may be
started again. PATH is a new or empty folder; default: DIR/<job>/savepoints/<id>.`,
  'state ls': `millrace state ls PATH [flags]

Shows the states of a checkpoint or savepoint with their entries and bytes, where its sources stand, and the
watermarks. Reads all of it.

${PATHS}`,
  'state get': `millrace state get PATH --uid U --state S --key K [flags]

Shows what a state holds for a key. Reads the blocks of its key group only.

${PATHS}`,
  'state export': `millrace state export PATH --uid U --state S

Writes all entries of a state as JSON lines: key, value, namespace, mapKey, version, lastAccess. What JSON has
no notation for is written as docs/snapshots.md says.

${PATHS}`,
  'state diff': `millrace state diff A B [flags]

Shows how many entries of each state were added, removed and changed from A to B. Reads both; holds little.

${PATHS.replace('PATH', 'A or B')}`,
  'checkpoints ls': `millrace checkpoints ls PATH [flags]

Lists the checkpoints of a job, and marks the one that a run would go on from. PATH is the job's folder
(DIR/<job>), the folder of a lineage, or a checkpoint. The job may be running.`,
  'checkpoints verify': `millrace checkpoints verify PATH [flags]

Reads every file of a checkpoint or savepoint and checks each checksum; of the folder of a lineage or of a job
(DIR/<job>) all checkpoints. Names all damage.`,
  'checkpoints gc': `millrace checkpoints gc DIR/<job> [flags]

Removes files that no checkpoint of a job needs, which crashes have left. All checkpoints stay. Beside a
running job it only shows them: that job removes them itself. In S3 (s3://bucket/prefix/<job>) nothing tells
whether a job runs: there they are removed with --take-over only, which ends a run that goes on.`,
}

const STATE_CODES = `Exit codes: 0 shown, 1 the files cannot be read or do not fit, 2 wrong command line, or no snapshot there.`

const AFTER: Readonly<Record<Verb, string>> = {
  run: `Durations: 300ms, 10s, 5m, 1h, 1d, or milliseconds.
Data that the job prints goes to stdout, everything else that is told goes to stderr.
Ctrl-C or SIGTERM stops the job with a last checkpoint; another one, a second or more later, does not wait
for it.

Exit codes: 0 finished, 1 failed, 2 wrong command line or parameters (nothing was run), 130 stopped with
Ctrl-C, 143 stopped with SIGTERM.`,
  plan: `Exit codes: 0 shown, 1 the graph cannot be built, 2 wrong command line or parameters.`,
  check: `Exit codes: 0 it would start, 1 it would not, or the graph cannot be built, 2 wrong command line.`,
  savepoint: `Exit codes: 0 taken, 1 there is none (the job does not run, or goes on without it), 2 wrong command line.`,
  stop: `Exit codes: 0 stopped, 1 not stopped or without a savepoint, 2 wrong command line. The run itself ends with 0.`,
  'state ls': STATE_CODES,
  'state get': `Exit codes: 0 shown, 1 there is no such key, operator or state, or the files cannot be read, 2 wrong command
line, or no snapshot there.`,
  'state export': STATE_CODES,
  'state diff': STATE_CODES,
  'checkpoints verify': `Exit codes: 0 all is right, 1 something is damaged, 2 wrong command line, or no checkpoint there.`,
  'checkpoints gc': `Exit codes: 0 done, 1 the folder cannot be read, 2 wrong command line, or no folder of a job.`,
  'checkpoints ls': `Exit codes: 0 listed, 1 the folder cannot be read, 2 wrong command line, or no checkpoint there.`,
}

/** Shows the help that was asked for; 0, or 2 when it is the answer to a mistake. */
export async function showHelp(command: HelpCommand, host: Host): Promise<number> {
  const { topic, job, isAsked } = command
  const out = isAsked ? host.stdout : host.stderr
  if (topic === undefined || isGroup(topic)) {
    out.write(`${topic === undefined ? GENERAL : GROUPS[topic]}\n`)
    return isAsked ? 0 : 2
  }
  out.write(`${[USAGE[topic], ...flagLines(FLAGS[topic]), '', AFTER[topic]].join('\n')}\n`)
  return job === undefined || !takesJob(topic) ? 0 : showParameters(job, host)
}

function takesJob(verb: Verb): boolean {
  return FLAGS[verb].some((flag) => flag.name === 'param')
}

function isGroup(topic: Verb | Group): topic is Group {
  return topic in GROUPS
}

async function showParameters(job: string, host: Host): Promise<number> {
  try {
    const onLog = (line: string): void => void host.stderr.write(`${line}\n`)
    const { name, parameters } = await host.describeJob(job, { onLog })
    host.stdout.write(`\n${parameterLines(name, parameters).join('\n')}\n`)
    return 0
  } catch (error) {
    host.stderr.write('\n')
    return tellFailure(error, { json: false, isStarted: false }, host)
  }
}

function flagLines(flags: readonly Flag[]): string[] {
  const rows = flags.map(({ name, value, description }): [string, string] => [
    `  --${name}${value === undefined ? '' : ` ${value}`}`,
    description,
  ])
  return ['', 'Flags:', ...columns(rows)]
}

/** The parameters of a job, as `--param` takes them. */
export function parameterLines(name: string, parameters: readonly PlanParameter[]): string[] {
  if (parameters.length === 0) return [`Job "${name}" has no parameters.`]
  const rows = parameters.map((parameter): [string, string] => [
    `  --param ${parameter.name}=${parameter.type.toUpperCase()}`,
    `${parameter.description}${defaultText(parameter)}`,
  ])
  return [`Parameters of job "${name}":`, ...columns(rows)]
}

function defaultText({ defaultText: text, type, description }: PlanParameter): string {
  const space = description === '' ? '' : /[.!?]$/.test(description) ? ' ' : '. '
  if (type === 'secret') return `${space}Secret: neither shown nor stored.`
  return `${space}${text === undefined ? 'Required.' : `Default: ${text === '' ? '""' : text}`}`
}
