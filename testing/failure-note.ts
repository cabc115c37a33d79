/**
 * The same error with a note in its message and stack, so that whoever sees it fail knows how to see it again. Class, code and
 * what an assertion compares stay as they are.
 */
export function withNote(thrown: unknown, note: (message: string) => string): unknown {
  if (!(thrown instanceof Error) || Object.isFrozen(thrown)) {
    return new Error(note(String(thrown)), { cause: thrown })
  }
  const { message, stack } = thrown
  const noted = note(message)
  thrown.message = noted
  if (stack !== undefined) thrown.stack = stackWith(stack, { name: thrown.name, message, noted })
  return thrown
}

/** A stack begins with the message, unless that has been changed since: then its frames alone are kept. */
function stackWith(
  stack: string,
  error: { readonly name: string; readonly message: string; readonly noted: string },
): string {
  const { name, message, noted } = error
  if (stack.includes(message)) return stack.replace(message, () => noted)
  const frames = stack.indexOf('\n    at ')
  return `${name}: ${noted}${frames === -1 ? '' : stack.slice(frames)}`
}
