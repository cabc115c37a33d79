import { StreamError } from '../runtime/errors.ts'

/** Of something on the context of a function that functions of its kind do not have; `wayOut` begins "windows have …". */
export function contextLacks(what: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_NOT_IN_CONTEXT',
    `ctx.${what} was used in a function that has none, so there is nothing to read or register; ${wayOut}.`,
    { what },
  )
}
