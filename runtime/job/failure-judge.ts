import { RestartableError, StreamError } from '../errors.ts'

/** How often one failure may come back before the job ends. */
const MAX_SAME_FAILURES = 3

/** Whether a failure may be followed by another attempt, and the error to end with if not. */
export interface Verdict {
  readonly restart: boolean
  readonly error: Error
}

/**
 * Tells failures that another attempt may mend from those that it cannot (R38); it knows nothing of delays.
 *
 * Mistakes of the user are not restarted: a `StreamError` that is not a `RestartableError`. Any other failure that comes
 * back three times with the same code at the same operator, without a completed checkpoint in between, ends the job.
 */
export class FailureJudge {
  readonly #counts: Map<string, number> = new Map()

  /** The attempt has got further than the failures so far. */
  checkpointCompleted(): void {
    this.#counts.clear()
  }

  /** Judges a failure at an operator; `checkpointId` is the newest completed checkpoint, undefined if there is none. */
  judge(error: Error, operator: string | undefined, checkpointId?: number): Verdict {
    if (error instanceof StreamError && !(error instanceof RestartableError)) {
      return { restart: false, error }
    }
    const failure = JSON.stringify([codeOf(error), operator ?? null])
    const count = (this.#counts.get(failure) ?? 0) + 1
    this.#counts.set(failure, count)
    if (count < MAX_SAME_FAILURES) return { restart: true, error }
    return { restart: false, error: repeated(error, operator, checkpointId) }
  }
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}

function repeated(
  error: Error,
  operator: string | undefined,
  checkpointId: number | undefined,
): StreamError {
  const fields = error instanceof StreamError ? error.fields : {}
  const where = operator === undefined ? 'The job' : `Operator "${operator}"`
  const [since, wayOn] =
    checkpointId === undefined
      ? ['from the start', 'starts from the beginning']
      : [`after checkpoint ${checkpointId}`, 'goes on from that checkpoint']
  // Most messages name the record themselves.
  const { record } = fields
  const isTold = typeof record !== 'string' || error.message.includes(`record ${record}`)
  return new StreamError(
    'MR_REPEATED_FAILURE',
    `${where} failed ${MAX_SAME_FAILURES} times in a row with ${codeOf(error)}${isTold ? '' : ` at record ${record}`}, each time ${since} and without a completed checkpoint in between: ${error.message} Another attempt would fail there again; mend the cause, then run the same command, which ${wayOn}.`,
    { ...fields, operator, checkpointId, code: codeOf(error) },
    error,
  )
}
