import { givenText, StreamError } from '../runtime/errors.ts'
import { isErrorHandling } from '../runtime/operator.ts'
import type { OnError } from './error-policy.ts'
import type { NodeOptions } from './graph-builder.ts'

/**
 * Options of an operator with state, which may not have `onError`: what it wrote before it threw would stay (R20).
 *
 * Missing options count as empty ones, so that a missing uid is reported with all others. `onlyParallelism` is the one that the
 * operator has, if it cannot have any.
 */
export function checkStateful(
  options: NodeOptions | undefined,
  method: string,
  onlyParallelism?: number,
): NodeOptions {
  if (options !== undefined && 'onError' in options) {
    throw new StreamError(
      'MR_OPTION_INVALID',
      `${method}("${String(options.uid)}") has the option onError, which only map, filter, flatMap and the options of some sources have: what an operator with state wrote before it threw would stay behind half done; leave it out, and catch errors within the function.`,
      { uid: options.uid },
    )
  }
  if (onlyParallelism === undefined) return options ?? {}
  const { parallelism = onlyParallelism } = options ?? {}
  if (parallelism === onlyParallelism) return { ...options, parallelism }
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${method}("${String(options?.uid)}") has a parallelism of ${String(parallelism)}, but sees all records of its stream; they cannot be divided among subtasks; leave it out, or group by a key.`,
    { uid: options?.uid, parallelism },
  )
}

/** Fails with `MR_OPTION_INVALID` for an `onError` that is none: records would go nowhere, or where nobody expects them. */
export function checkOnError<T>(
  onError: OnError<T> | undefined,
  method: string,
): OnError<T> | undefined {
  const given: unknown = onError
  if (given === undefined || isErrorHandling(given)) return onError
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${method}() has an onError that is ${givenText(given)} (${typeof given}); it does not say what happens with a record whose function throws; give "fail", "skip" or an output tag.`,
    { method },
  )
}
