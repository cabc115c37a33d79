import { StreamError } from '../runtime/errors.ts'

/** A verb of the test kit was used wrongly: what is, what that prevents, the way out. */
export function misuse(verb: string, message: string): StreamError {
  return new StreamError('MR_TEST_INVALID', `${verb}: ${message}`, { verb })
}
