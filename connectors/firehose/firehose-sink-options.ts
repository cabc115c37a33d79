import type { OptionNames } from '../../runtime/option-names.ts'
import {
  type CheckedPutSink,
  checkPutSink,
  invalidSink,
  PUT_SINK_NAMES,
  type PutSinkOptions,
} from '../aws/put-options.ts'

const FROM = 'firehoseSink()'
/** Formats whose messages are a text without a line end. */
const TEXT_FORMATS: ReadonlySet<string> = new Set(['json', 'csv', 'string'])

/** Options of `firehoseSink()`; those of the connection stand among them. */
export interface FirehoseSinkOptions<V, T = V> extends PutSinkOptions<V, T> {
  /** The delivery stream, which must be there, and take records from requests ("direct put"). */
  readonly deliveryStream: string
  /**
   * What stands behind each record, as Firehose joins them to files without anything between. Default: a line end for `json()`, `csv()`
   * and `string()`, nothing for other formats.
   */
  readonly delimiter?: string
}

const NAMES: OptionNames<FirehoseSinkOptions<unknown>> = {
  ...PUT_SINK_NAMES,
  deliveryStream: true,
  delimiter: true,
}

/** Checked options, with all defaults. */
export interface CheckedFirehoseSink<V, T> extends CheckedPutSink<V, T> {
  readonly deliveryStream: string
  readonly delimiter: Uint8Array
}

/** Checks the options of a sink; fails with `MR_SINK_INVALID`. */
export function checkFirehoseSink<V, T>(
  options: FirehoseSinkOptions<V, T>,
): CheckedFirehoseSink<V, T> {
  const shared = checkPutSink(options, NAMES, FROM)
  const { deliveryStream, delimiter } = options
  if (typeof deliveryStream !== 'string' || !/^[\w.-]{1,64}$/.test(deliveryStream))
    throw invalidSink(FROM, 'deliveryStream', deliveryStream, 'the name of a delivery stream')
  if (delimiter !== undefined && (typeof delimiter !== 'string' || !delimiter.isWellFormed()))
    throw invalidSink(FROM, 'delimiter', delimiter, 'a text, such as "\\n", or "" for none')
  const usual = TEXT_FORMATS.has(shared.value.messageKind) ? '\n' : ''
  return { ...shared, deliveryStream, delimiter: Buffer.from(delimiter ?? usual) }
}
