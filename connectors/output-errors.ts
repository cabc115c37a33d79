import { RestartableError, StreamError } from '../runtime/errors.ts'

/** Failures that another attempt would meet again: the user has to act first. */
const LASTING = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP', 'EINVAL']

const WAYS_OUT: Readonly<Record<string, string>> = {
  ENOENT: 'check the directory, and that no other job writes to it',
  ENOSPC: 'free some space on that disk',
  EDQUOT: 'free some space within the quota',
  EACCES: 'give this user the right to write there, or choose another directory',
  EPERM: 'give this user the right to write there, or choose another directory',
  EROFS: 'choose a directory on a disk that can be written',
  ENOTDIR: 'move the file that is in the way, or choose another directory',
  EISDIR: 'move the folder that is in the way, or choose another directory',
}

/** What was tried on which output; `operator` is the uid of the sink. */
export interface OutputWork {
  readonly operator: string
  readonly path: string
  readonly what: 'prepared' | 'written' | 'committed'
}

/** The coded error of a failed operation on an output; coded errors pass through. */
export function outputFailed({ operator, path, what }: OutputWork, error: unknown): StreamError {
  if (error instanceof StreamError) return error
  const code = (error as { code?: string }).code ?? ''
  const reason = error instanceof Error ? error.message : String(error)
  const wayOut = WAYS_OUT[code] ?? 'check the disk and the directory'
  const Kind = LASTING.includes(code) ? StreamError : RestartableError
  return new Kind(
    'MR_OUTPUT_FAILED',
    `Output ${path} cannot be ${what}: ${reason}; records cannot be put out, and what is not committed yet is written ` +
      `again later; ${wayOut}.`,
    { operator, path, systemCode: code },
    error,
  )
}

/** The error of a pending file that is not what its checkpoint says; another attempt would not find it either. */
export function lostOutput(path: string, what: string): StreamError {
  return new StreamError(
    'MR_OUTPUT_FAILED',
    `Output ${path} cannot be committed: ${what}; the records that its checkpoint counts as put out would be missing; ` +
      `put the file back, or start over with --fresh.`,
    { path },
  )
}

/** The error of files that this run does not continue (R2). */
export function outputConflict(directory: string, names: readonly string[]): StreamError {
  const some = names.slice(0, 3).join(', ')
  const more = names.length > 3 ? `, … (${names.length} in all)` : ''
  return new StreamError(
    'MR_OUTPUT_CONFLICT',
    `Output directory ${directory} holds output of another run, or of a later point than this run goes on from: ` +
      `${some}${more}; together with it the output of this run would hold records twice; choose another directory, or ` +
      `run with --output replace (removes just these files) or --output keep (leaves them there).`,
    { directory, files: names.slice(0, 100), count: names.length },
  )
}
