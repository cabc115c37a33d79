import { RestartableError, StreamError } from '../../runtime/errors.ts'
import type { LambdaAnswerError } from './lambda-answer.ts'

/** Who calls which function. */
export interface LambdaCaller {
  readonly operator: string
  readonly functionName: string
}

/** The function threw, or ran out of time or memory; it may go well the next time. */
export function functionThrew(
  { operator, functionName }: LambdaCaller,
  records: number,
  payload: string,
): RestartableError {
  return new RestartableError(
    'MR_LAMBDA_FAILED',
    `"${operator}" called the function "${functionName}" of Lambda with ${records} records, and it failed (${shorten(payload)}); nothing of them ` +
      `is passed on; look into its log, and set retry of the operator where another try helps.`,
    { operator, functionName, records },
  )
}

/** The function does not keep to the contract. */
export function answerBroken(
  { operator, functionName }: LambdaCaller,
  { problem }: LambdaAnswerError,
): StreamError {
  return new StreamError(
    'MR_LAMBDA_FAILED',
    `"${operator}": the answer of the function "${functionName}" of Lambda ${problem}; its records cannot be told apart; have it answer as ` +
      `Firehose's transformations do: {"records": [{"recordId", "result", "data"}]}, each recordId of the call once.`,
    { operator, functionName },
  )
}

/** That the function could not do a record, as the beginning of a sentence. */
export function recordFailedText({ functionName }: LambdaCaller, data: Buffer): string {
  const record = JSON.stringify(shorten(data.toString()))
  return `the function "${functionName}" of Lambda answered "ProcessingFailed" for the record ${record}`
}

/** The function says that it could not do a record. */
export function recordFailed(caller: LambdaCaller, data: Buffer): StreamError {
  const { operator, functionName } = caller
  return new StreamError(
    'MR_LAMBDA_RECORD_FAILED',
    `"${operator}": ${recordFailedText(caller, data)}; the job stops rather than lose it; mend the function, or set onFailed to 'skip' ` +
      `or an output tag.`,
    { operator, functionName },
  )
}

/** The function answers with bytes that the format of results cannot read. */
export function resultUnreadable(
  { operator, functionName }: LambdaCaller,
  data: Buffer,
  cause: unknown,
): StreamError {
  const { message } = cause as Error
  return new StreamError(
    'MR_BAD_RECORD',
    `"${operator}": a result of the function "${functionName}" of Lambda cannot be read: ${message} It is ` +
      `${JSON.stringify(shorten(data.toString()))}; the job stops rather than lose it; mend the function, or the format of results.`,
    { operator, functionName },
    cause,
  )
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`
}
