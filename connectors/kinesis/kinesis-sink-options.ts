import type { OptionNames } from '../../runtime/option-names.ts'
import { KINESIS_LIMITS, KINESIS_MOST_BYTES, type PutLimits } from '../aws/put-limits.ts'
import {
  type CheckedPutSink,
  checkPutSink,
  checkSinkFunction,
  invalidSink,
  PUT_SINK_NAMES,
  type PutSinkOptions,
} from '../aws/put-options.ts'

const FROM = 'kinesisSink()'

/** Options of `kinesisSink()`; those of the connection stand among them. */
export interface KinesisSinkOptions<V, T = V> extends PutSinkOptions<V, T> {
  /** The stream, which must be there: its name, or its ARN. */
  readonly stream: string
  /** The partition key of a record, 1 to 256 characters. Records of one key go to one shard. */
  readonly partitionKey: (record: T) => string
  /** The hash that chooses the shard in place of that of the key: a decimal number below 2^128. Default: none. */
  readonly explicitHashKey?: (record: T) => string | undefined
  /**
   * True: records of one key are in the stream in the order of writing, also where the service takes a request in part. Then one
   * record of a key is on its way at a time. Default false: what is sent again comes behind what went with it.
   */
  readonly ordered?: boolean
  /**
   * True: records of one key that wait together go as one record of Kinesis, in the format of the Kinesis Producer Library. Readers
   * must know it, as the Kinesis Client Library does. Default false.
   */
  readonly aggregate?: boolean
  /** The largest record that the stream takes, key with it: as `UpdateMaxRecordSize` has set it. Default 1 MiB, at most 10 MiB. */
  readonly maxRecordBytes?: number
}

const NAMES: OptionNames<KinesisSinkOptions<unknown>> = {
  ...PUT_SINK_NAMES,
  stream: true,
  partitionKey: true,
  explicitHashKey: true,
  ordered: true,
  aggregate: true,
  maxRecordBytes: true,
}

/** Checked options, with all defaults. */
export interface CheckedKinesisSink<V, T> extends CheckedPutSink<V, T> {
  readonly stream: string
  readonly partitionKey: (record: T) => string
  readonly explicitHashKey: ((record: T) => string | undefined) | undefined
  readonly isOrdered: boolean
  readonly isAggregated: boolean
  readonly limits: PutLimits
}

/** Checks the options of a sink; fails with `MR_SINK_INVALID`. */
export function checkKinesisSink<V, T>(
  options: KinesisSinkOptions<V, T>,
): CheckedKinesisSink<V, T> {
  const shared = checkPutSink(options, NAMES, FROM)
  const {
    stream,
    partitionKey,
    explicitHashKey,
    ordered = false,
    aggregate = false,
    maxRecordBytes,
  } = options
  if (typeof stream !== 'string' || !/^([\w.-]{1,128}|arn:[^\s/]+:stream\/[\w.-]+)$/.test(stream))
    throw invalidSink(FROM, 'stream', stream, 'the name or ARN of a stream')
  if (typeof partitionKey !== 'function')
    throw invalidSink(FROM, 'partitionKey', partitionKey, 'a function from a record to its key')
  checkSinkFunction(FROM, 'explicitHashKey', explicitHashKey)
  if (typeof ordered !== 'boolean') throw invalidSink(FROM, 'ordered', ordered, 'true or false')
  if (typeof aggregate !== 'boolean')
    throw invalidSink(FROM, 'aggregate', aggregate, 'true or false')
  return {
    ...shared,
    stream,
    partitionKey,
    explicitHashKey,
    isOrdered: ordered,
    isAggregated: aggregate,
    limits: limitsOf(maxRecordBytes),
  }
}

function limitsOf(maxRecordBytes: number | undefined): PutLimits {
  if (maxRecordBytes === undefined) return KINESIS_LIMITS
  if (
    !Number.isInteger(maxRecordBytes) ||
    maxRecordBytes < 1 ||
    maxRecordBytes > KINESIS_MOST_BYTES
  ) {
    const wanted = `a whole number from 1 to ${KINESIS_MOST_BYTES}`
    throw invalidSink(FROM, 'maxRecordBytes', maxRecordBytes, wanted)
  }
  const { recordBytes, requestBytes } = KINESIS_LIMITS
  return {
    ...KINESIS_LIMITS,
    recordBytes: maxRecordBytes,
    requestBytes: maxRecordBytes > recordBytes ? KINESIS_MOST_BYTES : requestBytes,
  }
}
