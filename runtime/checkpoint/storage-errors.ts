import { type ErrorFields, RestartableError, StreamError } from '../errors.ts'
import { HeadMoved } from './head-moved.ts'

/** Whether an error of the system has one of these codes. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as { code?: string } | undefined)?.code ?? '')
}

/** Codes that say that the folder is the problem, not the moment. */
const UNUSABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT']
const FULL = ['ENOSPC', 'EDQUOT']

/**
 * Turns what the file system threw into an error that says which file, and what to do. Errors that say so already are
 * returned as they are, and so is what says that the storage is fine and another run was faster.
 */
export function storageFailure(
  error: unknown,
  failed: { readonly path: string; readonly what: string; readonly verb: string },
): unknown {
  if (isTold(error)) return error
  const { path, what, verb } = failed
  const message = error instanceof Error ? error.message : String(error)
  const isUnusable = isSystemError(error, ...UNUSABLE)
  const wayOut = isUnusable
    ? 'make the folder readable and writable, or give another one with --dir'
    : isSystemError(error, ...FULL)
      ? 'free space on that disk'
      : 'look after that disk'
  return new RestartableError(
    isUnusable ? 'MR_DIRECTORY_UNUSABLE' : 'MR_CHECKPOINT_FAILED',
    `${what} cannot be ${verb}: ${path}: ${message}; earlier checkpoints stay good, but a crash goes back to the last of them; ${wayOut}.`,
    { file: path, systemCode: (error as { code?: string } | undefined)?.code },
    error,
  )
}

/** A file that a checkpoint names is not there, too short or cannot be read (R27). */
export function unreadable(
  name: string,
  what: string,
  cause?: unknown,
  fields: ErrorFields = { file: name },
): RestartableError {
  return new RestartableError(
    'MR_CHECKPOINT_CORRUPT',
    `Checkpoint file ${name} ${what}; what it holds cannot be restored; restore the file from a copy, or go back to another checkpoint.`,
    fields,
    cause,
  )
}

/** Failures of reading: what is not there or cannot be read is damage (R27), the rest may pass. */
export function readFailure(error: unknown, name: string, path: string): unknown {
  if (isTold(error)) return error
  if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return unreadable(name, 'is missing', error)
  if (isSystemError(error, 'EIO', 'EISDIR')) return unreadable(name, 'cannot be read', error)
  return storageFailure(error, { path, what: 'A checkpoint', verb: 'read' })
}

function isTold(error: unknown): boolean {
  return error instanceof StreamError || error instanceof HeadMoved
}
