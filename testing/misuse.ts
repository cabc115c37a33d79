import { StreamError } from '../runtime/errors.ts'
import { checkOutputTag } from '../runtime/operator.ts'
import { checkOptionNames } from '../runtime/option-names.ts'

/** A verb of the test kit was used wrongly: what is, what that prevents, the way out. */
export function misuse(verb: string, message: string): StreamError {
  return new StreamError('MR_TEST_INVALID', `${verb}: ${message}`, { verb })
}

/** Fails with `MR_TEST_INVALID` for options that a verb does not have: the test would not be the one that is meant. */
export function checkKitOptions(
  given: unknown,
  known: Readonly<Record<string, true>>,
  verb: string,
): void {
  checkOptionNames(given, known, verb, 'MR_TEST_INVALID')
}

/** Fails for anything but a list of output tags, as their names would be taken for one. */
export function checkTags(given: unknown, where: string): void {
  if (!Array.isArray(given)) {
    throw misuse(
      where,
      `something of type ${typeof given} is no list; it does not say which side outputs are meant; give an array of what outputTag('name') returned.`,
    )
  }
  for (const tag of given) checkOutputTag(tag, where)
}
