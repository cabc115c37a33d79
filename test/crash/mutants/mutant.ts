/** One way to break the engine, and the tests that must notice. */
export interface Mutant {
  /** What it is called on the command line. */
  readonly name: string
  /** What the broken engine does, in words, with the rule that this breaks. */
  readonly what: string
  /** The file to break, from the root of the tree. */
  readonly file: string
  /** A piece of its text that occurs exactly once, and what takes its place. */
  readonly find: string
  readonly replace: string
  /** Each of them must turn red by itself. */
  readonly killers: readonly Killer[]
}

/** A test that is run against a broken tree, and against the sound one, where it must be green. */
export type Killer =
  /** All tests of a file whose full title contains the text. */
  | {
      readonly kind: 'vitest'
      readonly project: Project
      readonly file: string
      readonly title: string
    }
  /** A small case of `npm run crash`. */
  | { readonly kind: 'campaign'; readonly args: readonly string[] }
  /** A few cases of `npm run oracle`. */
  | { readonly kind: 'oracle'; readonly args: readonly string[] }

export type Project = 'unit' | 'cluster'

/** Tests of the unit project by file, below `test/`, and a part of their title. */
export function unit(file: string, title: string): Killer {
  return { kind: 'vitest', project: 'unit', file: `test/${file}`, title }
}

/** The same of the cluster project, below `test/cluster/`. */
export function cluster(file: string, title: string): Killer {
  return { kind: 'vitest', project: 'cluster', file: `test/cluster/${file}`, title }
}

/** A crash case by the arguments of `npm run crash`. */
export function campaign(args: string): Killer {
  return { kind: 'campaign', args: args.split(' ') }
}

/** The first cases of an operator that the oracle is asked about. */
export function oracle(operator: string, count: number): Killer {
  return { kind: 'oracle', args: ['--operator', operator, '--count', String(count)] }
}

/** One line that names the test. */
export function killerName(killer: Killer): string {
  if (killer.kind === 'campaign') return `npm run crash -- ${killer.args.join(' ')}`
  if (killer.kind === 'oracle') return `npm run oracle -- ${killer.args.join(' ')}`
  return `${killer.file.replace(/^test\//, '')}: ${killer.title}`
}

/** The text of a file with the mutant in it; throws where its place is not there exactly once. */
export function mutate(mutant: Mutant, text: string): string {
  const parts = text.split(mutant.find)
  if (parts.length === 2) return parts.join(mutant.replace)
  throw new Error(
    `mutant ${mutant.name}: its text occurs ${parts.length - 1} times in ${mutant.file} instead of once; say anew what it breaks:\n${mutant.find}`,
  )
}
