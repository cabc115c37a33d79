import { type ErrorFields, RestartableError, StreamError, thrownText } from '../errors.ts'
import type { HeldRecord, Operator } from '../operator.ts'
import { showValue } from '../show-value.ts'

/** Failures that already tell where they happened. */
const described = new WeakSet<Error>()

/** What was being worked on: a record, or a timer or other callback. */
export type FailedWork = HeldRecord | { readonly what: string; readonly timestamp: number }

/** What a function that threw prevents, and the way out. */
const RECORD = 'the record cannot be processed; mend the function, or handle such records in it'
const CALLBACK = 'what it had to do is not done; mend the function'

interface FailingNode {
  readonly name: string
  readonly uid: string | undefined
  readonly body: { readonly kind: string; readonly operator?: Operator }
}

/**
 * Adds operator and record (or timer) to a failure, once: the innermost operator is the one that failed (R39).
 *
 * A coded error keeps its code, and whether it may be restarted; anything else becomes `MR_FUNCTION_FAILED`, restartable.
 */
export function describeFailure(
  thrown: unknown,
  node: FailingNode,
  doing: FailedWork,
): StreamError {
  if (thrown instanceof StreamError && described.has(thrown)) return thrown
  const { operator } = node.body
  const note = operator?.describeCurrent?.()
  const work = operator?.failedRecord?.() ?? doing
  const at = 'what' in work ? work.what : `record ${showValue(work.value)}`
  const time = Number.isFinite(work.timestamp) ? ` at ${work.timestamp}` : ''
  const where = `Operator "${node.name}", ${note ?? at}${time}`
  const fields = {
    operator: node.name,
    timestamp: work.timestamp,
    ...('what' in work ? { callback: work.what } : recordFields(work)),
  }
  const error = wrap(thrown, { where, operator: node.name, fields }, endOf(work))
  described.add(error)
  return error
}

function recordFields({ value, position }: HeldRecord): ErrorFields {
  return { record: showValue(value), ...(position === undefined ? {} : { position }) }
}

/**
 * Adds more context (subtask, key, source position) to an error; same class and code. Of a field that is there already the
 * inner one stays.
 */
export function extendFailure(error: unknown, suffix: string, fields: ErrorFields): StreamError {
  const where = 'operator' in fields ? `Operator "${String(fields['operator'])}"` : 'Subtask'
  const base = error instanceof StreamError ? error : wrap(error, { where, fields: {} }, CALLBACK)
  const Kind = base instanceof RestartableError ? RestartableError : StreamError
  const extended = new Kind(
    base.code,
    suffix === '' ? base.message : `${base.message} (${suffix})`,
    { ...fields, ...base.fields },
    base.cause,
  )
  if (base.stack !== undefined) extended.stack = base.stack
  described.add(extended)
  return extended
}

/** What a chain begins with, as far as failures tell of it. */
interface FailingHead {
  readonly name: string
  readonly source: object | undefined
}

/** A subtask, as far as failures tell of it. */
interface FailingSubtask {
  readonly subtaskIndex: number
  readonly head: FailingHead
  /** Where the record was read whose work has failed. */
  readonly position: string | undefined
}

/** Adds what only a subtask knows: its index, and where the record was read, if that is known (R39). */
export function nameSubtask(error: unknown, subtask: FailingSubtask): StreamError {
  const { subtaskIndex, head } = subtask
  const { name, source } = head
  // A record that was held back is not the one that is read by now.
  const position = positionIn(error) ?? subtask.position
  const suffix = [`subtask ${subtaskIndex}`]
  if (position !== undefined) suffix.push(`source position ${position}`)
  return extendFailure(error, suffix.join(', '), {
    subtaskIndex,
    ...(source === undefined ? {} : { operator: name }),
    ...(position === undefined ? {} : { position }),
  })
}

function positionIn(error: unknown): string | undefined {
  const position = error instanceof StreamError ? error.fields['position'] : undefined
  return typeof position === 'string' ? position : undefined
}

function endOf(work: FailedWork): string {
  return 'what' in work ? CALLBACK : RECORD
}

/** Where something was thrown, as the beginning of a message. */
interface Place {
  readonly where: string
  readonly operator?: string
  readonly fields: ErrorFields
}

function wrap(thrown: unknown, { where, operator, fields }: Place, end: string): StreamError {
  if (thrown instanceof StreamError) {
    const Kind = thrown instanceof RestartableError ? RestartableError : StreamError
    const error = new Kind(
      thrown.code,
      `${where}: ${withoutName(thrown.message, operator)}`,
      { ...fields, ...thrown.fields },
      thrown.cause,
    )
    if (thrown.stack !== undefined) error.stack = thrown.stack
    return error
  }
  return new RestartableError(
    'MR_FUNCTION_FAILED',
    `${where}: the function threw ${thrownText(thrown)}; ${end}.`,
    fields,
    thrown,
  )
}

/** What may also be thrown outside of all calls names its operator by itself: once is enough. */
function withoutName(message: string, operator: string | undefined): string {
  const name = `Operator "${operator}": `
  return message.startsWith(name) ? message.slice(name.length) : message
}
