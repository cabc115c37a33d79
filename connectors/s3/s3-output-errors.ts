import { RestartableError, StreamError, thrownText } from '../../runtime/errors.ts'

/** The coded error of what went wrong with an output; coded errors, such as those of AWS, pass through. */
export function s3OutputFailed(operator: string, url: string, error: unknown): StreamError {
  if (error instanceof StreamError) return error
  return new RestartableError(
    'MR_OUTPUT_FAILED',
    `Output ${url} cannot be written: ${thrownText(error)}; what is not committed yet is written again by the next attempt; check ` +
      `that nothing else removes objects or ends uploads there.`,
    { operator, path: url },
    error,
  )
}

/** The error of an upload that its checkpoint counts on, and that is not there. */
export function lostUpload(url: string, isOther: boolean): StreamError {
  const found = isOther ? 'an object of somebody else is in its place' : 'the object is not there'
  return new StreamError(
    'MR_OUTPUT_FAILED',
    `Output ${url} cannot be committed: its upload is gone, and ${found}; the records that its checkpoint counts as put out would be ` +
      `missing; put the object back if it was removed, let no rule of the bucket end uploads sooner than a job may stand still, or ` +
      `start over with --fresh.`,
    { path: url },
  )
}

/** The error of a key that is longer than S3 takes. */
export function keyTooLong(key: string, bytes: number): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `s3Sink(): the key of the object for a record has ${bytes} bytes (${key.slice(0, 120)}…), and S3 takes 1,024; the record has no ` +
      `place; make partitions of shorter values.`,
    { bytes },
  )
}

/** The error of objects that this run does not continue (R2). */
export function s3OutputConflict(url: string, keys: readonly string[]): StreamError {
  const some = keys.slice(0, 3).join(', ')
  const more = keys.length > 3 ? `, … (${keys.length} in all)` : ''
  return new StreamError(
    'MR_OUTPUT_CONFLICT',
    `Output ${url} holds objects of another run, or of a later point than this run goes on from: ${some}${more}; together with them ` +
      `the output of this run would hold records twice; choose another prefix, or run with --output replace (removes just these ` +
      `objects) or --output keep (leaves them there).`,
    { path: url, keys: keys.slice(0, 100), count: keys.length },
  )
}
