import {
  AWS_CONNECTION_NAMES,
  type AwsConnection,
  checkAwsConnection,
  type CheckedAwsConnection,
} from '../../runtime/aws/aws-connection.ts'
import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { isErrorHandling, type OutputTag } from '../../runtime/operator.ts'
import type { MessageFormat } from '../message-format.ts'

const FROM = 'lambdaMap()'
const CODE = 'MR_OPTION_INVALID'
const MIB = 1024 * 1024

/** A synchronous call of Lambda takes 6 MB, and so may its answer have; data is in base64 there. */
export const MAX_PAYLOAD_BYTES: number = 6 * MIB
/** What stands around the data of a record in a call, at most. */
export const AROUND_RECORD_BYTES = 120
/** The largest record that fits into a call, before base64. */
export const MAX_DATA_BYTES: number = Math.floor((MAX_PAYLOAD_BYTES - 2_048) / 4) * 3

/** A record that the function could not do, as it goes to a side output. */
export interface LambdaFailure<T> {
  /** What is wrong, in one sentence. */
  readonly error: string
  readonly functionName: string
  /** The record as it came to the operator. */
  readonly value: T
}

/** What becomes of records that the function answers `ProcessingFailed` for: the job fails (default), they are counted, or go to a side output. */
export type OnLambdaFailure<T> = 'fail' | 'skip' | OutputTag<LambdaFailure<T>>

/** Options of `lambdaMap()`; those of the connection stand among them. */
export interface LambdaMapOptions<T, R> extends AwsConnection {
  /** The function: its name or ARN, with a version or alias behind a colon where one is meant. */
  readonly functionName: string
  /** How records become the bytes that the function is given, such as `json<Click>()`. */
  readonly value: MessageFormat<T>
  /** How the bytes that it answers with become records again. */
  readonly result: MessageFormat<R>
  /** Records in a call, at most. Default 100. */
  readonly batchRecords?: number
  /** Bytes of data in a call, before base64; a record may go beyond. Default 1 MiB, at most 4 MiB. */
  readonly batchBytes?: number
  /** How long a record may wait for others to go with it. Default 10 ms. */
  readonly linger?: Duration
  /** Calls on their way at once, of all subtasks in a thread. Default 10. */
  readonly maxRequests?: number
  /**
   * What becomes of records that the function answers `ProcessingFailed` for. Default `fail`; `skip` counts `recordsSkipped`, a tag
   * gives them to a side output of the operator, and counts `recordsToSideOutput`.
   */
  readonly onFailed?: OnLambdaFailure<T>
}

const NAMES: OptionNames<LambdaMapOptions<unknown, unknown>> = {
  ...AWS_CONNECTION_NAMES,
  functionName: true,
  value: true,
  result: true,
  batchRecords: true,
  batchBytes: true,
  linger: true,
  maxRequests: true,
  onFailed: true,
}

/** Checked options, with all defaults. */
export interface CheckedLambdaMap<T, R> {
  readonly connection: CheckedAwsConnection
  readonly functionName: string
  readonly value: MessageFormat<T>
  readonly result: MessageFormat<R>
  readonly batchRecords: number
  readonly batchBytes: number
  readonly lingerMs: number
  readonly maxRequests: number
  readonly onFailed: OnLambdaFailure<T>
}

/** Checks the options; fails with `MR_OPTION_INVALID`. */
export function checkLambdaMap<T, R>(options: LambdaMapOptions<T, R>): CheckedLambdaMap<T, R> {
  checkOptionNames(options, NAMES, FROM, CODE)
  const connection = checkAwsConnection(options, FROM, CODE)
  const { functionName, value, result, onFailed = 'fail' } = options
  if (typeof functionName !== 'string' || !/^[\w:$-]{1,170}$/.test(functionName))
    throw invalid('functionName', functionName, 'the name or ARN of a function')
  if (typeof value?.createMessageWriter !== 'function') throw invalid('value', value, FORMAT)
  if (typeof result?.createMessageReader !== 'function') throw invalid('result', result, FORMAT)
  if (!isErrorHandling(onFailed))
    throw invalid('onFailed', onFailed, '"fail", "skip" or what outputTag() returned')
  const whole = (
    option: 'batchRecords' | 'batchBytes' | 'maxRequests',
    fallback: number,
    most: number,
  ): number => {
    const given = options[option] ?? fallback
    if (Number.isInteger(given) && given >= 1 && given <= most) return given
    throw invalid(option, given, `a whole number from 1 to ${most}`)
  }
  return {
    connection,
    functionName,
    value,
    result,
    batchRecords: whole('batchRecords', 100, 10_000),
    batchBytes: whole('batchBytes', MIB, 4 * MIB),
    lingerMs: parseDuration(options.linger ?? 10, `${FROM}: linger`),
    maxRequests: whole('maxRequests', 10, 50),
    onFailed,
  }
}

const FORMAT = 'a format of messages, such as json() or string()'

function invalid(option: string, found: unknown, wanted: string): StreamError {
  const shown = typeof found === 'object' && found !== null ? 'an object' : givenText(found)
  return new StreamError(
    CODE,
    `${FROM}: ${option} is ${shown} (${typeof found}), so the function cannot be called; give ${wanted}.`,
    { option, found: shown },
  )
}
