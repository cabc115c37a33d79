import { RestartableError, StreamError } from '../runtime/errors.ts'

/** Failures that pass by themselves: they are worth another attempt. */
const PASSING = ['EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'ESTALE', 'ENOMEM', 'ETIMEDOUT']

/** The error of a path that is not there; says where relative paths begin. */
export function missingInput(path: string, cause?: unknown): StreamError {
  return new StreamError(
    'MR_INPUT_MISSING',
    `Input ${path} does not exist, so nothing can be read from it; check the path (relative paths begin at the working ` +
      `directory, ${process.cwd()}).`,
    { path, cwd: process.cwd() },
    cause,
  )
}

/** The error of a file that is there and holds nothing to read. */
export function emptyInput(path: string, what: string): StreamError {
  return new StreamError(
    'MR_INPUT_EMPTY',
    `Input ${path} ${what}, so there is nothing to read; check the path and the program that writes it.`,
    { path },
  )
}

/** The error of a file that is not the one of the checkpoint. */
export function changedInput(path: string, what: string, fields: object = {}): StreamError {
  return new StreamError(
    'MR_INPUT_CHANGED',
    `Input ${path} has changed since it was listed or checkpointed: ${what}; going on from the stored position would ` +
      `skip or repeat records; put the old file back, or start over with --fresh.`,
    { path, ...fields },
  )
}

/** The coded error of a failed file operation. */
export function unreadableInput(path: string, error: unknown): StreamError {
  const code = (error as { code?: string }).code ?? ''
  if (error instanceof StreamError) return error
  if (code === 'ENOENT' || code === 'ENOTDIR') return missingInput(path, error)
  const reason = error instanceof Error ? error.message : String(error)
  const Kind = PASSING.includes(code) ? RestartableError : StreamError
  return new Kind(
    'MR_INPUT_UNREADABLE',
    `Input ${path} cannot be read: ${reason}; its records are missing until it can; check its kind and permissions.`,
    { path, systemCode: code },
    error,
  )
}

/** The error of compressed data that ends in the middle or is damaged. */
export function truncatedInput(path: string, bytes: number, error: unknown): StreamError {
  const reason = error instanceof Error ? error.message : String(error)
  return new StreamError(
    'MR_INPUT_TRUNCATED',
    `Input ${path} is cut off or damaged behind ${bytes} bytes of uncompressed data: ${reason}; the records behind ` +
      `that place cannot be read; fetch or write the file again.`,
    { path, bytes },
    error,
  )
}
