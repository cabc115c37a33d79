import { parseArgs } from 'node:util'
import { parseDuration } from '../runtime/duration.ts'
import { type Flag, FLAGS, type Verb } from './flags.ts'
import { nearest } from '../runtime/nearest.ts'
import { usageError } from './usage-error.ts'

/** What stands behind a verb, before it is judged: known flags, each with all its values, and the other words. */
export interface Given {
  readonly verb: Verb
  readonly flags: ReadonlyMap<string, readonly (string | undefined)[]>
  readonly positionals: readonly string[]
}

/** Reads what stands behind a verb; a flag that it does not have, or a missing value, is `MR_OPTION_INVALID`. */
export function parseFlags(verb: Verb, args: readonly string[]): Given {
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

/** The one job file that a command takes. */
export function onlyJob(given: Given): string {
  return onlyArgument(given, 'job file', 'JOB.ts')
}

/** The one path that a command takes. */
export function onlyPath(given: Given): string {
  return onlyArgument(given, 'path', 'PATH')
}

/** Names of files of programs, or with folders in them: whatever else is written is the name of a job. */
const JOB_FILE = /\.[cm]?[jt]sx?$|[\\/]/

/** The running job that a command is for, by its file or its name, and what all such commands take. */
export function runningJob(given: Given): JobReference & {
  readonly path: string | undefined
  readonly dir: string | undefined
  readonly work: string | undefined
  readonly json: boolean
} {
  const { verb, positionals } = given
  const [job, path, extra] = positionals
  const help = `millrace ${verb} --help`
  if (job === undefined) {
    const wayOut = `write millrace ${verb} JOB, with its file or its name`
    throw usageError(`millrace ${verb}`, 'no job is given', wayOut, help)
  }
  if (path === '' || extra !== undefined) {
    const wayOut = 'give a job and at most one path, and flags with their dashes'
    throw usageError(`millrace ${verb}`, `unexpected argument "${extra ?? ''}"`, wayOut, help)
  }
  const rest = {
    path,
    dir: last(given, 'dir'),
    work: last(given, 'work'),
    json: given.flags.has('json'),
  }
  return JOB_FILE.test(job) ? { job, ...rest } : { name: job, ...rest }
}

/** A job by its file, or by its name. */
export type JobReference =
  | { readonly job: string; readonly name?: undefined }
  | { readonly job?: undefined; readonly name: string }
/** The two paths that a command takes. */
export function twoPaths(given: Given): readonly [string, string] {
  const [first, second, extra] = given.positionals
  if (first !== undefined && second !== undefined && extra === undefined) return [first, second]
  const { verb } = given
  throw usageError(
    `millrace ${verb}`,
    extra === undefined ? 'two paths are needed' : `unexpected argument "${extra}"`,
    `write millrace ${verb} A B`,
    `millrace ${verb} --help`,
  )
}

/** The value of a flag without which the command means nothing. */
export function required(given: Given, name: string): string {
  const value = last(given, name)
  if (value !== undefined) return value
  const { verb } = given
  const flag = FLAGS[verb].find((one) => one.name === name)!
  throw usageError(
    `millrace ${verb}`,
    `--${name} is missing`,
    `write --${name} ${flag.value}`,
    `millrace ${verb} --help`,
  )
}

function onlyArgument({ verb, positionals }: Given, what: string, example: string): string {
  const [argument, extra] = positionals
  const help = `millrace ${verb} --help`
  if (argument === undefined) {
    throw usageError(
      `millrace ${verb}`,
      `no ${what} is given`,
      `write millrace ${verb} ${example}`,
      help,
    )
  }
  if (extra !== undefined) {
    const wayOut =
      extra.includes('=') && FLAGS[verb].some((flag) => flag.name === 'param')
        ? `write --param ${extra}`
        : `give one ${what}, and flags with their dashes`
    throw usageError(`millrace ${verb}`, `unexpected argument "${extra}"`, wayOut, help)
  }
  return argument
}

/** The value of a flag; of a repeated one the last. */
export function last({ flags }: Given, name: string): string | undefined {
  return flags.get(name)?.at(-1)
}

/** The value of a flag that is a number from 1. */
export function wholeNumber(given: Given, name: string, least = 1): number | undefined {
  const text = last(given, name)
  if (text === undefined) return undefined
  const value = /^\d{1,6}$/.test(text) ? Number(text) : -1
  if (value >= least) return value
  throw usageError(
    `millrace ${given.verb}`,
    `--${name} is "${text}"`,
    `write a whole number from ${least}, such as --${name} 2`,
    `millrace ${given.verb} --help`,
  )
}

/** The value of a flag that is a time, in milliseconds. */
export function duration(given: Given, name: string): number | undefined {
  const text = last(given, name)
  if (text === undefined) return undefined
  // Milliseconds as a number, as in the API (N4).
  const value = /^\d+$/.test(text) ? Number(text) : text
  return parseDuration(value, `millrace ${given.verb}: --${name}`)
}

/** All `--param NAME=VALUE`, the last of one name. */
export function parameters(given: Given): Readonly<Record<string, string>> {
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
