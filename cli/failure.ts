import { type ErrorCode, toErrorData } from '../runtime/errors.ts'
import { renderError } from './errors.ts'
import type { Host } from './host.ts'
import { jsonFailure } from './json-output.ts'

/** Mistakes in what was typed: nothing was run, and nothing will be until it is typed otherwise. */
const USAGE_CODES: readonly ErrorCode[] = [
  'MR_CHECKPOINT_NOT_FOUND',
  'MR_DURATION_INVALID',
  'MR_JOB_MISSING',
  'MR_OPTION_INVALID',
  'MR_PARAMETER_INVALID',
]

/**
 * Tells of an error: on stderr for people, and with `--json` on stdout as one line. Returns the exit code: 2 for a
 * mistake in the command line, else 1; once a job has been started, it is the job that failed.
 */
export function tellFailure(
  error: unknown,
  how: { readonly json: boolean; readonly isStarted: boolean },
  host: Host,
): number {
  const data = toErrorData(error)
  if (how.json) host.stdout.write(jsonFailure(data))
  host.stderr.write(`${renderError(data).join('\n')}\n`)
  const isUsage =
    !how.isStarted && (USAGE_CODES as readonly (string | undefined)[]).includes(data.code)
  return isUsage ? 2 : 1
}
