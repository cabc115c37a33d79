import { givenText, StreamError } from '../runtime/errors.ts'
import { isErrorHandling } from '../runtime/operator.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { OnError } from './error-policy.ts'
import type { NodeOptions } from './graph-builder.ts'

const NODE: OptionNames<NodeOptions> = {
  uid: true,
  parallelism: true,
  startNewChain: true,
  disableChaining: true,
}

const NODE_AND_ON_ERROR: OptionNames<NodeOptions & { readonly onError: unknown }> = {
  ...NODE,
  onError: true,
}

/** What an operator takes besides what every node does. */
export interface MoreOptions {
  readonly names?: Readonly<Record<string, true>>
  /** The parallelism that it has, if it cannot have any. */
  readonly onlyParallelism?: number | undefined
}

/**
 * Options of an operator with state, which may not have `onError`: what it wrote before it threw would stay (R20).
 *
 * Missing options count as empty ones, so that a missing uid is reported with all others.
 */
export function checkStateful(
  options: NodeOptions | undefined,
  method: string,
  { names, onlyParallelism }: MoreOptions = {},
): NodeOptions {
  const where = `${method}("${String(options?.uid)}")`
  if ((options as object | undefined) instanceof Object && 'onError' in options!) {
    throw new StreamError(
      'MR_OPTION_INVALID',
      `${where} has the option onError, which only map, filter, flatMap and the options of some sources have: what an operator with state wrote before it threw would stay behind half done; leave it out, and catch errors within the function.`,
      { uid: options?.uid },
    )
  }
  checkOptionNames(options, names === undefined ? NODE : { ...NODE, ...names }, where)
  if (onlyParallelism === undefined) return options ?? {}
  const { parallelism = onlyParallelism } = options ?? {}
  if (parallelism === onlyParallelism) return { ...options, parallelism }
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${where} has a parallelism of ${String(parallelism)}, but sees all records of its stream; they cannot be divided among subtasks; leave it out, or group by a key.`,
    { uid: options?.uid, parallelism },
  )
}

/** Options of an operator without state and without `onError`. */
export function checkPlain(options: NodeOptions, method: string): NodeOptions {
  checkOptionNames(options, NODE, `${method}()`)
  return options
}

/**
 * The `onError` of an operator that has it; fails with `MR_OPTION_INVALID` for one that is none, as records would go nowhere, or
 * where nobody expects them, and for options that there are not.
 */
export function checkOnError<T>(
  options: NodeOptions & { readonly onError?: OnError<T> },
  method: string,
): OnError<T> | undefined {
  checkOptionNames(options, NODE_AND_ON_ERROR, `${method}()`)
  const { onError } = options
  const given: unknown = onError
  if (given === undefined || isErrorHandling(given)) return onError
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${method}() has an onError that is ${givenText(given)} (${typeof given}); it does not say what happens with a record whose function throws; give "fail", "skip" or an output tag.`,
    { method },
  )
}
