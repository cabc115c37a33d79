import type { ErrorCode } from './error-codes.ts'
import { givenText, StreamError } from './errors.ts'
import { quotedNames } from './names.ts'
import { nearest } from './nearest.ts'

/** The names of all options of a type: the compiler finds one that is missing here, or left over. */
export type OptionNames<O> = Readonly<Record<O extends unknown ? keyof O & string : never, true>>

/**
 * Fails for options that are no object, and for one that is not known, which would otherwise be left out without a word.
 *
 * An option that is undefined sets nothing, whatever its name, and passes; so do missing options.
 *
 * @param where What was given them, such as `fileSource()`: begins the message.
 */
export function checkOptionNames(
  given: unknown,
  known: Readonly<Record<string, true>>,
  where: string,
  code: ErrorCode = 'MR_OPTION_INVALID',
): void {
  const problem = optionProblem(given, Object.keys(known), where)
  if (problem !== undefined)
    throw new StreamError(code, problem.message, { option: problem.option })
}

/** What is wrong with the names of options, if anything: the message, and the first option that it is about. Pure. */
export function optionProblem(
  given: unknown,
  known: readonly string[],
  where: string,
): { readonly message: string; readonly option?: string } | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return {
      message: `${where} was given ${shown(given)} where its options belong; it would do nothing; give an object with ${listed(known)}.`,
    }
  }
  const unknown = Object.entries(given)
    .filter(([name, value]) => value !== undefined && !known.includes(name))
    .map(([name]) => name)
  if (unknown.length === 0) return undefined
  const meant = unknown.map((name) => nearest(name, known))
  const wayOut = meant.includes(undefined)
    ? `there ${known.length === 1 ? 'is' : 'are'} ${listed(known)}`
    : `write ${quotedNames(meant as string[])}`
  const which = `${unknown.length === 1 ? 'the option' : 'the options'} ${quotedNames(unknown)}`
  return {
    message: `${where} has ${which}, which there ${unknown.length === 1 ? 'is' : 'are'} not; it would do nothing; ${wayOut}.`,
    option: unknown[0]!,
  }
}

function shown(given: unknown): string {
  if (Array.isArray(given)) return 'an array'
  // The source of a function is no message.
  return typeof given === 'function' ? 'a function' : `${givenText(given)} (${typeof given})`
}

function listed(names: readonly string[]): string {
  return names.join(', ')
}
