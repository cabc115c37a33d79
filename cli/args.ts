import { parseArgs } from 'node:util'
import { parseDuration } from '../runtime/duration.ts'
import { StreamError } from '../runtime/errors.ts'
import type { RunJobOptions } from '../runtime/job/job-events.ts'
import { type Flag, FLAGS, type Verb, VERBS } from './flags.ts'
import { nearest } from './nearest.ts'

/** What a command line asks for. */
export type Command = RunCommand | PlanCommand | HelpCommand | { readonly verb: 'version' }

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

export interface HelpCommand {
  readonly verb: 'help'
  /** The verb to explain; undefined for all of them. */
  readonly topic: Verb | undefined
  readonly job: string | undefined
  /** False when nothing was asked for: the help is then an answer to a mistake. */
  readonly isAsked: boolean
}

/** What the parser found, before it is judged. */
interface Given {
  readonly verb: Verb
  readonly flags: ReadonlyMap<string, readonly (string | undefined)[]>
  readonly positionals: readonly string[]
}

/**
 * Parses the arguments behind `millrace`; of a repeated flag the last wins.
 *
 * Fails with `MR_OPTION_INVALID` or `MR_DURATION_INVALID` for what it does not understand: nothing is guessed, and the
 * message names the nearest thing that there is.
 */
export function parseCommand(argv: readonly string[]): Command {
  const [verb, ...rest] = argv
  if (verb === undefined) return { verb: 'help', topic: undefined, job: undefined, isAsked: false }
  if (verb === '--help' || verb === '-h' || verb === 'help') return helpCommand(rest)
  if (verb === '--version' || verb === '-v') return { verb: 'version' }
  if (!isVerb(verb)) throw unknownVerb(verb)
  const given = parseFlags(verb, rest)
  if (given.flags.has('help')) {
    return { verb: 'help', topic: verb, job: given.positionals[0], isAsked: true }
  }
  return verb === 'run' ? runCommand(given) : planCommand(given)
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

function isVerb(text: string): text is Verb {
  return (VERBS as readonly string[]).includes(text)
}

function unknownVerb(verb: string): StreamError {
  const isFlag = verb.startsWith('-')
  const near = isFlag ? undefined : nearest(verb, [...VERBS, 'help'])
  const looksLikeJob = /\.[cm]?[jt]sx?$/.test(verb)
  const wayOut = looksLikeJob
    ? `write "millrace run ${verb}"`
    : near === undefined
      ? `there are ${VERBS.join(', ')} and help`
      : `did you mean "${near}"?`
  return usageError(
    'millrace',
    `${isFlag ? 'unknown flag' : 'unknown command'} "${verb}"`,
    wayOut,
    'millrace --help',
  )
}

function helpCommand(rest: readonly string[]): HelpCommand {
  const [topic, job] = rest
  if (topic === undefined) return { verb: 'help', topic: undefined, job: undefined, isAsked: true }
  if (!isVerb(topic)) throw unknownVerb(topic)
  return { verb: 'help', topic, job, isAsked: true }
}

function parseFlags(verb: Verb, args: readonly string[]): Given {
  const known: readonly Flag[] = FLAGS[verb]
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      known.map((flag) => [
        flag.name,
        {
          type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
          multiple: true,
          ...(flag.name === 'help' ? { short: 'h' } : {}),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const isHelp = tokens.some((token) => token.kind === 'option' && token.name === 'help')
  const flags = new Map<string, (string | undefined)[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    // Whoever asks for help gets it, whatever else is wrong.
    if (!isHelp) checkFlag(verb, known, token)
    flags.set(token.name, [...(flags.get(token.name) ?? []), token.value])
  }
  return { verb, flags, positionals }
}

interface FlagToken {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function checkFlag(verb: Verb, known: readonly Flag[], token: FlagToken): void {
  const flag = known.find((one) => one.name === token.name)
  const help = `millrace ${verb} --help`
  const where = `millrace ${verb}`
  if (flag === undefined) {
    const names = known.map((one) => one.name)
    const near = nearest(token.name, names)
    const wayOut =
      near === undefined
        ? `there are ${names.map((name) => `--${name}`).join(', ')}`
        : `did you mean --${near}?`
    throw usageError(where, `unknown flag ${token.rawName}`, wayOut, help)
  }
  if (flag.value === undefined) {
    if (token.value === undefined) return
    const found = `${token.rawName} is a switch, but has the value "${token.value}"`
    throw usageError(where, found, `write ${token.rawName} alone`, help)
  }
  const isFlagInstead = token.inlineValue === false && /^-(-|[A-Za-z])/.test(token.value ?? '')
  if (token.value !== undefined && token.value !== '' && !isFlagInstead) return
  throw usageError(
    where,
    `${token.rawName} has no value`,
    `write ${token.rawName} ${flag.value}`,
    help,
  )
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
    checkpointInterval: duration(given, 'checkpoint-interval'),
    params: parameters(given),
    fresh: has('fresh') || undefined,
    from: last(given, 'from'),
    output,
    memory: last(given, 'memory'),
    strict: has('strict') || undefined,
    drain: has('drain') || undefined,
    stopTimeout: duration(given, 'stop-timeout'),
    allowRewind: has('allow-rewind') || undefined,
    allowGrownInput: has('allow-grown-input') || undefined,
    allowNonRestoredState: has('allow-non-restored-state') || undefined,
  }
  return {
    verb: 'run',
    job,
    // What was not given is left out, so that defaults are in one place.
    options: Object.fromEntries(
      Object.entries(options).filter(([, value]) => value !== undefined),
    ) as RunJobOptions,
    json: has('json'),
    noProgress: has('no-progress'),
  }
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

function onlyJob({ verb, positionals }: Given): string {
  const [job, extra] = positionals
  const help = `millrace ${verb} --help`
  if (job === undefined) {
    throw usageError(
      `millrace ${verb}`,
      'no job file is given',
      `write millrace ${verb} JOB.ts`,
      help,
    )
  }
  if (extra !== undefined) {
    const wayOut = extra.includes('=')
      ? `write --param ${extra}`
      : `give one job file, and flags with their dashes`
    throw usageError(`millrace ${verb}`, `unexpected argument "${extra}"`, wayOut, help)
  }
  return job
}

function last({ flags }: Given, name: string): string | undefined {
  return flags.get(name)?.at(-1)
}

function wholeNumber(given: Given, name: string): number | undefined {
  const text = last(given, name)
  if (text === undefined) return undefined
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (value >= 1) return value
  throw usageError(
    `millrace ${given.verb}`,
    `--${name} is "${text}"`,
    `write a whole number from 1, such as --${name} 2`,
    `millrace ${given.verb} --help`,
  )
}

function duration(given: Given, name: string): number | undefined {
  const text = last(given, name)
  if (text === undefined) return undefined
  // Milliseconds as a number, as in the API (N4).
  const value = /^\d+$/.test(text) ? Number(text) : text
  return parseDuration(value, `millrace ${given.verb}: --${name}`)
}

function parameters(given: Given): Readonly<Record<string, string>> {
  const pairs = (given.flags.get('param') ?? []).map((text): [string, string] => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text ?? '') ?? []
    if (name !== undefined && value !== undefined) return [name, value]
    throw usageError(
      `millrace ${given.verb}`,
      `--param ${text} has no "="`,
      `write --param ${text}=VALUE`,
      `millrace ${given.verb} JOB.ts --help`,
    )
  })
  return Object.fromEntries(pairs)
}

function usageError(where: string, found: string, wayOut: string, help: string): StreamError {
  const end = wayOut.endsWith('?') ? '' : ';'
  return new StreamError(
    'MR_OPTION_INVALID',
    `${where}: ${found}; nothing was run; ${wayOut}${end} ${help} shows what there is.`,
  )
}
