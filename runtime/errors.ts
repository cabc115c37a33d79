import { ERROR_CODES, type ErrorCode } from './error-codes.ts'

export { ERROR_CODES, type ErrorCode }

/** Context of an error as data: which job, operator, subtask, file, record. Never put into prose only. */
export type ErrorFields = Readonly<Record<string, unknown>>

/**
 * A mistake of the user or of the input, with a stable `code`; it is never restarted (R38).
 *
 * The message says where, what is, what that prevents and the way out, in one line.
 */
export class StreamError extends Error {
  readonly code: ErrorCode
  readonly fields: ErrorFields

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StreamError'
    this.code = code
    this.fields = fields
  }
}

/** An operating failure (disk full, broker gone, thread lost); the restart strategy decides what follows. */
export class RestartableError extends StreamError {
  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}, cause?: unknown) {
    super(code, message, fields, cause)
    this.name = 'RestartableError'
  }
}

/** Fails with `MR_INTERNAL` when our own code broke its word; never caught, never restarted. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) {
    throw new StreamError(
      'MR_INTERNAL',
      `Invariant broken: ${message}; this is a defect of millrace, report it with the stack.`,
    )
  }
}

/** An error as plain data, since errors lose name, code and fields on their way between threads (N9). */
export interface ErrorData {
  readonly name: string
  readonly code: string | undefined
  readonly message: string
  readonly stack: string | undefined
  readonly fields: ErrorFields
  readonly restartable: boolean
  readonly cause: ErrorData | undefined
}

/** Turns anything thrown into data that survives a message port. Causes are followed 8 deep. */
export function toErrorData(thrown: unknown, depth = 0): ErrorData {
  if (!(thrown instanceof Error)) {
    const message = describeThrown(thrown)
    return {
      name: 'Error',
      code: undefined,
      message,
      stack: undefined,
      fields: {},
      restartable: true,
      cause: undefined,
    }
  }
  const code = (thrown as { code?: unknown }).code
  const cause = thrown.cause
  return {
    name: thrown.name,
    code: typeof code === 'string' ? code : undefined,
    message: thrown.message,
    stack: thrown.stack,
    fields: thrown instanceof StreamError ? cloneable(thrown.fields) : {},
    restartable: !(thrown instanceof StreamError) || thrown instanceof RestartableError,
    cause: cause === undefined || depth >= 8 ? undefined : toErrorData(cause, depth + 1),
  }
}

/** Rebuilds an error from its data; the class, code, fields, stack and causes are those of the original. */
export function fromErrorData(data: ErrorData): Error {
  const cause = data.cause === undefined ? undefined : fromErrorData(data.cause)
  let error: Error
  if (data.code !== undefined && data.code in ERROR_CODES) {
    const Kind = data.restartable ? RestartableError : StreamError
    error = new Kind(data.code as ErrorCode, data.message, data.fields, cause)
  } else {
    error = new Error(data.message, cause === undefined ? undefined : { cause })
    error.name = data.name
    if (data.code !== undefined) Object.assign(error, { code: data.code })
  }
  if (data.stack !== undefined) error.stack = data.stack
  return error
}

/** Whatever was thrown as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** What was given in place of something else, for messages: text in quotes. */
export function givenText(given: unknown): string {
  return typeof given === 'string' ? JSON.stringify(given) : String(given)
}

/** What was thrown on one line, for messages: name and message of an error, anything else as text. Never fails. */
export function thrownText(thrown: unknown): string {
  let text: string
  try {
    text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  } catch {
    text = `something of type ${typeof thrown}`
  }
  return text.trim().replaceAll(/\s*[\r\n]+\s*/g, ' ')
}

function describeThrown(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : `a thrown ${typeof thrown}: ${String(thrown)}`
  } catch {
    return `a thrown ${typeof thrown}`
  }
}

function cloneable(fields: ErrorFields): ErrorFields {
  try {
    return structuredClone(fields)
  } catch {
    const entries = Object.entries(fields).map(([name, value]) => [name, describeThrown(value)])
    return Object.fromEntries(entries) as ErrorFields
  }
}
