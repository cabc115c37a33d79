import type { RunJobOptions } from '../runtime/job/job-events.ts'
import type { CheckJobOptions } from '../runtime/job/check-job.ts'
import type { Verb } from './flags.ts'
import {
  duration,
  type Given,
  type JobReference,
  last,
  onlyJob,
  onlyPath,
  runningJob,
  parameters,
  parseFlags,
  required,
  twoPaths,
  wholeNumber,
} from './given.ts'
import { usageError } from './usage-error.ts'
import { findVerb, type Group, verbsOf } from './verbs.ts'

/** What a command line asks for. */
export type Command =
  | RunCommand
  | PlanCommand
  | CheckCommand
  | SavepointCommand
  | StopCommand
  | StateCommand
  | CheckpointsCommand
  | HelpCommand
  | { readonly verb: 'version' }

export interface RunCommand {
  readonly verb: 'run'
  /** The job file as written. */
  readonly job: string
  readonly options: RunJobOptions
  readonly json: boolean
  readonly noProgress: boolean
}

export interface PlanCommand {
  readonly verb: 'plan'
  readonly job: string
  readonly parallelism: number | undefined
  readonly params: Readonly<Record<string, string>>
  readonly json: boolean
}

export interface CheckCommand {
  readonly verb: 'check'
  readonly job: string
  readonly options: Omit<CheckJobOptions, 'onLog'>
  readonly json: boolean
}

/** Of a running job. */
export type SavepointCommand = JobReference & {
  readonly verb: 'savepoint'
  /** As written; undefined for the default. */
  readonly path: string | undefined
  readonly dir: string | undefined
  readonly work: string | undefined
  readonly json: boolean
}

/** Of a running job, with a savepoint. */
export type StopCommand = JobReference & {
  readonly verb: 'stop'
  readonly path: string | undefined
  readonly drain: boolean
  readonly dir: string | undefined
  readonly work: string | undefined
  readonly json: boolean
}

/** Commands that look into snapshots. */
export type StateCommand =
  | { readonly verb: 'state ls'; readonly path: string; readonly json: boolean }
  | StateGetCommand
  | {
      readonly verb: 'state export'
      readonly path: string
      readonly uid: string
      readonly state: string
    }
  | StateDiffCommand

export interface StateGetCommand {
  readonly verb: 'state get'
  readonly path: string
  readonly uid: string
  readonly state: string
  /** As written. */
  readonly key: string
  readonly namespace: string | undefined
  readonly json: boolean
}

export interface StateDiffCommand {
  readonly verb: 'state diff'
  readonly before: string
  readonly after: string
  readonly keys: boolean
  readonly json: boolean
}

/** Commands that look after checkpoints. */
export type CheckpointsCommand =
  | {
      readonly verb: 'checkpoints ls' | 'checkpoints verify'
      readonly path: string
      readonly json: boolean
    }
  | {
      readonly verb: 'checkpoints gc'
      readonly path: string
      readonly dryRun: boolean
      readonly takesOver: boolean
      readonly json: boolean
    }

export interface HelpCommand {
  readonly verb: 'help'
  /** The verb or group of verbs to explain; undefined for all of them. */
  readonly topic: Verb | Group | undefined
  readonly job: string | undefined
  /** False when nothing was asked for: the help is then an answer to a mistake. */
  readonly isAsked: boolean
}

/**
 * Parses the arguments behind `millrace`; of a repeated flag the last wins.
 *
 * Fails with `MR_OPTION_INVALID` or `MR_DURATION_INVALID` for what it does not understand: nothing is guessed, and the
 * message names the nearest thing that there is.
 */
export function parseCommand(argv: readonly string[]): Command {
  const [first, ...others] = argv
  if (first === undefined) return help(undefined, false)
  if (first === '--help' || first === '-h' || first === 'help') return helpCommand(others)
  if (first === '--version' || first === '-v') return { verb: 'version' }
  const named = findVerb(argv)
  if ('group' in named) return groupCommand(named.group, named.rest)
  const given = parseFlags(named.verb, named.rest)
  if (given.flags.has('help')) return help(named.verb, true, given.positionals[0])
  switch (named.verb) {
    case 'run':
      return runCommand(given)
    case 'plan':
      return planCommand(given)
    case 'check':
      return checkCommand(given)
    case 'savepoint':
      return { verb: named.verb, ...runningJob(given) }
    case 'stop':
      return { verb: named.verb, ...runningJob(given), drain: given.flags.has('drain') }
    case 'checkpoints ls':
    case 'checkpoints verify':
    case 'state ls':
      return { verb: named.verb, path: onlyPath(given), json: given.flags.has('json') }
    case 'checkpoints gc':
      return {
        verb: named.verb,
        path: onlyPath(given),
        dryRun: given.flags.has('dry-run'),
        takesOver: given.flags.has('take-over'),
        json: given.flags.has('json'),
      }
    case 'state get':
      return {
        verb: named.verb,
        path: onlyPath(given),
        uid: required(given, 'uid'),
        state: required(given, 'state'),
        key: required(given, 'key'),
        namespace: last(given, 'namespace'),
        json: given.flags.has('json'),
      }
    case 'state export':
      return {
        verb: named.verb,
        path: onlyPath(given),
        uid: required(given, 'uid'),
        state: required(given, 'state'),
      }
    case 'state diff':
      return diffCommand(given)
  }
}

/** The job file of a command line, if it names one; for whoever only has to find it. Never fails. */
export function jobOf(argv: readonly string[]): string | undefined {
  try {
    const command = parseCommand(argv)
    return 'job' in command ? command.job : undefined
  } catch {
    return undefined
  }
}

/** The parallelism that a command line asks for, if any; for whoever must know before it is judged. Never fails. */
export function parallelismOf(argv: readonly string[]): number | undefined {
  try {
    const command = parseCommand(argv)
    return command.verb === 'run' ? command.options.parallelism : undefined
  } catch {
    return undefined
  }
}

function helpCommand(words: readonly string[]): HelpCommand {
  if (words.length === 0) return help(undefined, true)
  const named = findVerb(words)
  return 'group' in named ? help(named.group, true) : help(named.verb, true, named.rest[0])
}

/** A group alone does nothing: it is answered with what there is in it. */
function groupCommand(group: Group, [flag]: readonly string[]): HelpCommand {
  if (flag === undefined) return help(group, false)
  if (flag === '--help' || flag === '-h') return help(group, true)
  const wayOut = `write one of its commands, such as millrace ${verbsOf(group)[0]}`
  throw usageError(`millrace ${group}`, `unknown flag ${flag}`, wayOut, `millrace ${group} --help`)
}

function help(topic: HelpCommand['topic'], isAsked: boolean, job?: string): HelpCommand {
  return { verb: 'help', topic, job, isAsked }
}

function runCommand(given: Given): RunCommand {
  const job = onlyJob(given)
  const has = (name: string): boolean => given.flags.has(name)
  if (has('fresh') && has('from')) {
    throw usageError(
      'millrace run',
      '--fresh and --from are both given, and one starts without the state that the other starts from',
      'leave one out',
      'millrace run --help',
    )
  }
  if (has('claim') && !has('from')) {
    throw usageError(
      'millrace run',
      '--claim is given without --from, so there is no snapshot to take over',
      'write --from PATH --claim',
      'millrace run --help',
    )
  }
  const output = last(given, 'output')
  if (output !== undefined && output !== 'replace' && output !== 'keep') {
    throw usageError(
      'millrace run',
      `--output is "${output}"`,
      'write --output replace or --output keep',
      'millrace run --help',
    )
  }
  const options = {
    parallelism: wholeNumber(given, 'parallelism'),
    dir: last(given, 'dir'),
    work: last(given, 'work'),
    checkpointInterval: duration(given, 'checkpoint-interval'),
    checkpointMinPause: duration(given, 'checkpoint-min-pause'),
    checkpointTimeout: duration(given, 'checkpoint-timeout'),
    tolerableFailures: wholeNumber(given, 'tolerable-failures', 0),
    retainedCheckpoints: wholeNumber(given, 'retained-checkpoints'),
    bufferTimeout: duration(given, 'buffer-timeout'),
    params: parameters(given),
    fresh: has('fresh') || undefined,
    from: last(given, 'from'),
    claim: has('claim') || undefined,
    output,
    memory: last(given, 'memory'),
    strict: has('strict') || undefined,
    drain: has('drain') || undefined,
    stopTimeout: duration(given, 'stop-timeout'),
    allowRewind: has('allow-rewind') || undefined,
    allowGrownInput: has('allow-grown-input') || undefined,
    allowNonRestoredState: has('allow-non-restored-state') || undefined,
    resetWatermarks: has('reset-watermarks') || undefined,
  }
  return {
    verb: 'run',
    job,
    options: withoutUndefined(options) as RunJobOptions,
    json: has('json'),
    noProgress: has('no-progress'),
  }
}

/** What was not given is left out, so that defaults are in one place. */
function withoutUndefined(options: Readonly<Record<string, unknown>>): object {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given)
}

function checkCommand(given: Given): CheckCommand {
  const has = (flag: string): boolean => given.flags.has(flag)
  const options = {
    from: last(given, 'from'),
    dir: last(given, 'dir'),
    parallelism: wholeNumber(given, 'parallelism'),
    params: parameters(given),
    allowRewind: has('allow-rewind') || undefined,
    allowNonRestoredState: has('allow-non-restored-state') || undefined,
  }
  return {
    verb: 'check',
    job: onlyJob(given),
    options: withoutUndefined(options) as CheckCommand['options'],
    json: has('json'),
  }
}

function diffCommand(given: Given): StateDiffCommand {
  const [before, after] = twoPaths(given)
  const { flags } = given
  return { verb: 'state diff', before, after, keys: flags.has('keys'), json: flags.has('json') }
}

function planCommand(given: Given): PlanCommand {
  return {
    verb: 'plan',
    job: onlyJob(given),
    parallelism: wholeNumber(given, 'parallelism'),
    params: parameters(given),
    json: given.flags.has('json'),
  }
}
