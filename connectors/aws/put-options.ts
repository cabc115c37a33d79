import {
  AWS_CONNECTION_NAMES,
  type AwsConnection,
  checkAwsConnection,
  type CheckedAwsConnection,
} from '../../runtime/aws/aws-connection.ts'
import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { MessageFormat } from '../message-format.ts'

/** What the sinks of Kinesis and Firehose have in common; the options of the connection stand among them. */
export interface PutSinkOptions<V, T = V> extends AwsConnection {
  /** How values become bytes, such as `json<Order>()`. */
  readonly value: MessageFormat<V>
  /** The value of a record. Default: the record itself. */
  readonly toValue?: (record: T) => V
  /** How long a record may wait for others to go with it. Default 100 ms. */
  readonly linger?: Duration
  /** Requests on their way at once, of each subtask. Default 4. */
  readonly maxRequests?: number
  /** So many bytes may wait, of each subtask, before it takes no more records. Default 16 MiB. */
  readonly maxBufferedBytes?: number
}

export const PUT_SINK_NAMES: OptionNames<PutSinkOptions<unknown>> = {
  ...AWS_CONNECTION_NAMES,
  value: true,
  toValue: true,
  linger: true,
  maxRequests: true,
  maxBufferedBytes: true,
}

/** Checked options, with all defaults. */
export interface CheckedPutSink<V, T> {
  readonly connection: CheckedAwsConnection
  readonly value: MessageFormat<V>
  readonly toValue: (record: T) => V
  readonly lingerMs: number
  readonly maxRequests: number
  readonly maxBufferedBytes: number
}

const CODE = 'MR_SINK_INVALID'
const DEFAULT_BUFFERED_BYTES = 16 * 1024 * 1024
/** The SDK opens so many connections. */
const MOST_REQUESTS = 50

/** Checks what the sinks have in common. `from`: such as `kinesisSink()`; `names`: all options that there are. */
export function checkPutSink<V, T>(
  options: PutSinkOptions<V, T>,
  names: Readonly<Record<string, true>>,
  from: string,
): CheckedPutSink<V, T> {
  checkOptionNames(options, names, from, CODE)
  const connection = checkAwsConnection(options, from, CODE)
  const { value, toValue } = options
  const { createMessageWriter } = (value ?? {}) as Partial<MessageFormat<V>>
  if (typeof createMessageWriter !== 'function') {
    const wanted = 'a format of messages, such as json(), string() or bytes()'
    throw invalidSink(from, 'value', value, wanted)
  }
  checkSinkFunction(from, 'toValue', toValue)
  const whole = (option: 'maxRequests' | 'maxBufferedBytes', fallback: number, most: number) => {
    const given = options[option] ?? fallback
    if (Number.isInteger(given) && given >= 1 && given <= most) return given
    throw invalidSink(from, option, given, `a whole number from 1 to ${most}`)
  }
  return {
    connection,
    value,
    toValue: toValue ?? ((record) => record as unknown as V),
    lingerMs: parseDuration(options.linger ?? 100, `${from}: linger`),
    maxRequests: whole('maxRequests', 4, MOST_REQUESTS),
    maxBufferedBytes: whole('maxBufferedBytes', DEFAULT_BUFFERED_BYTES, Number.MAX_SAFE_INTEGER),
  }
}

/** Checks an option that is a function, or is not given. */
export function checkSinkFunction(from: string, option: string, given: unknown): void {
  if (given !== undefined && typeof given !== 'function')
    throw invalidSink(from, option, given, 'a function')
}

/** An option of a sink that is not as it must be. */
export function invalidSink(
  from: string,
  option: string,
  found: unknown,
  wanted: string,
): StreamError {
  const shown = typeof found === 'object' && found !== null ? 'an object' : givenText(found)
  return new StreamError(
    CODE,
    `${from}: ${option} is ${shown} (${typeof found}), so no records can be written; give ${wanted}.`,
    { option, found: shown },
  )
}
