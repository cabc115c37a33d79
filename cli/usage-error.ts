import { StreamError } from '../runtime/errors.ts'

/**
 * A mistake in what was typed: what was found where, what to write instead, and which help shows what there is. A way out
 * that is a question needs no semicolon.
 */
export function usageError(
  where: string,
  found: string,
  wayOut: string,
  help: string,
): StreamError {
  const end = wayOut.endsWith('?') ? '' : ';'
  return new StreamError(
    'MR_OPTION_INVALID',
    `${where}: ${found}; nothing was run; ${wayOut}${end} ${help} shows what there is.`,
  )
}
