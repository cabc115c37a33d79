import type { StreamError } from '../runtime/errors.ts'
import { type Verb, VERBS } from './flags.ts'
import { nearest } from '../runtime/nearest.ts'
import { usageError } from './usage-error.ts'

/** The first word of commands of two words: `checkpoints` of `checkpoints ls`. */
export type Group = Verb extends infer V ? (V extends `${infer G} ${string}` ? G : never) : never

/** What the first words of a command line name, and what follows them. */
export type Named =
  | { readonly verb: Verb; readonly rest: readonly string[] }
  | { readonly group: Group; readonly rest: readonly string[] }

/** The commands of a group. */
export function verbsOf(group: Group): readonly Verb[] {
  return VERBS.filter((verb) => verb.startsWith(`${group} `))
}

/**
 * Finds the command that a command line begins with. A group that is followed by no word, or by a flag, is the group itself.
 * Anything else fails with `MR_OPTION_INVALID` that names what is near.
 */
export function findVerb(words: readonly string[]): Named {
  const [first = '', second] = words
  if (isVerb(first)) return { verb: first, rest: words.slice(1) }
  if (!isGroup(first)) throw unknownVerb(first, [...singles(), ...groups(), 'help'])
  if (second === undefined || second.startsWith('-')) return { group: first, rest: words.slice(1) }
  const verb = `${first} ${second}`
  if (isVerb(verb)) return { verb, rest: words.slice(2) }
  throw unknownVerb(verb, verbsOf(first), first)
}

function isVerb(text: string): text is Verb {
  return (VERBS as readonly string[]).includes(text)
}

function isGroup(text: string): text is Group {
  return (groups() as readonly string[]).includes(text)
}

function groups(): Group[] {
  const firstWords = VERBS.filter((verb) => verb.includes(' ')).map((verb) => verb.split(' ')[0]!)
  return [...new Set(firstWords)] as Group[]
}

function singles(): Verb[] {
  return VERBS.filter((verb) => !verb.includes(' '))
}

function unknownVerb(verb: string, there: readonly string[], group?: Group): StreamError {
  const isFlag = verb.startsWith('-')
  const near = isFlag ? undefined : nearest(verb, there)
  const looksLikeJob = /\.[cm]?[jt]sx?$/.test(verb) && group === undefined
  const wayOut = looksLikeJob
    ? `write "millrace run ${verb}"`
    : near === undefined
      ? `there are ${there.slice(0, -1).join(', ')} and ${there.at(-1)}`
      : `did you mean "${near}"?`
  return usageError(
    'millrace',
    `${isFlag ? 'unknown flag' : 'unknown command'} "${verb}"`,
    there.length === 1 ? `there is ${there[0]}` : wayOut,
    group === undefined ? 'millrace --help' : `millrace ${group} --help`,
  )
}
