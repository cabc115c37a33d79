import type { SdkError } from '../../runtime/aws/aws-errors.ts'
import { RestartableError, StreamError, thrownText } from '../../runtime/errors.ts'
import type { PutRefusal, PutService } from './put-service.ts'

/** A refusal as an error, for what is said of errors. */
export function refusalError({ name, message }: PutRefusal): Error {
  return Object.assign(new Error(message), { name })
}

/** Codes of Node for requests that never left. */
const NOT_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** Whether a service may have done what it was asked for, though it did not say so. */
export function isOutcomeUnknown(error: unknown): boolean {
  const { code, $metadata } = error as SdkError
  const status = $metadata?.httpStatusCode
  if (status === undefined) return code === undefined || !NOT_SENT.has(code)
  return status >= 500
}

/** What was sent and not taken when trying ended. */
export interface PutGivenUp {
  readonly records: number
  readonly triedMs: number
  readonly first: Error
  readonly last: Error
}

/** Records that the service has not taken for so long as they were tried. */
export function putGivenUp(
  service: PutService,
  { records, triedMs, first, last }: PutGivenUp,
): RestartableError {
  const { operator, where, service: name } = service.attempt('')
  const [begin, end] = [thrownText(first), thrownText(last)]
  const failures = begin === end ? begin : `first: ${begin}; last: ${end}`
  return new RestartableError(
    'MR_AWS_UNAVAILABLE',
    `"${operator}" could not write ${count(records)} to ${service.target} for ${Math.round(triedMs / 1000)} s: ${name} (${where}) did not ` +
      `take ${records === 1 ? 'it' : 'them'} (${failures}); the attempt ends, and what came since the last checkpoint is written again; ` +
      `${service.wayOut}; retryTimeout says how long to go on.`,
    { operator, service: name, records, triedMs, first: first.name, last: last.name },
    last,
  )
}

/** An answer that does not say what became of each record. */
export function answerIncomplete(
  service: PutService,
  sent: number,
  answered: number,
): RestartableError {
  const { operator, where, service: name } = service.attempt('')
  return new RestartableError(
    'MR_AWS_FAILED',
    `"${operator}" sent ${count(sent)} to ${service.target}, and ${name} (${where}) answered for ${answered}; which of them it has taken is ` +
      `not known; the attempt ends, and what came since the last checkpoint is written again; check what answers at that address.`,
    { operator, service: name, sent, answered },
  )
}

/** A record that no request of the service can hold. */
export function recordTooLarge(
  operator: string,
  target: string,
  size: { readonly bytes: number; readonly limit: number },
  wayOut: string,
): StreamError {
  const { bytes, limit } = size
  return new StreamError(
    'MR_AWS_RECORD_TOO_LARGE',
    `"${operator}" has a record of ${bytes} bytes for ${target}, which takes ${limit} at most; it cannot be written and the job stops rather than ` +
      `lose it; ${wayOut}.`,
    { operator, bytes, limit },
  )
}

/** How many records, in words. */
export function count(records: number): string {
  return records === 1 ? 'a record' : `${records} records`
}
