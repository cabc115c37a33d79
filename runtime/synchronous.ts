import { StreamError } from './errors.ts'

/** Whether something can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === 'function'
  )
}

/**
 * Fails with `MR_FUNCTION_ASYNC` if what a function returned is a promise (R15); `what` names the function.
 *
 * A later rejection of that promise is ignored: the error thrown here already ends the attempt.
 */
export function refusePromise(result: unknown, what: string): void {
  if (isThenable(result)) throw asyncError(result, what)
}

function asyncError(promise: PromiseLike<unknown>, what: string): StreamError {
  promise.then(undefined, () => {})
  return new StreamError(
    'MR_FUNCTION_ASYNC',
    `${what} returned a promise; records are processed one after another without waiting, so its result would come too late; return a plain value, and make slow calls with asyncMap, orderedWait or unorderedWait, or in open().`,
    { function: what },
  )
}
