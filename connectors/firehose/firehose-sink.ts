import { loadAwsService } from '../../runtime/aws/aws-client.ts'
import { AwsPutService } from '../aws/aws-put-service.ts'
import { FIREHOSE_LIMITS } from '../aws/put-limits.ts'
import type { PutService } from '../aws/put-service.ts'
import { type AtLeastOnceSink, putSink, REAL_SURROUNDINGS } from '../aws/put-sink.ts'
import {
  checkFirehoseSink,
  type CheckedFirehoseSink,
  type FirehoseSinkOptions,
} from './firehose-sink-options.ts'
import { FirehoseRecords } from './firehose-sink-records.ts'
import { FIREHOSE, putRecordBatch } from './put-record-batch.ts'

/**
 * Writes records to a delivery stream of Firehose. Needs the package `@aws-sdk/client-firehose`.
 *
 * At least once: all that was written before a checkpoint has been taken by Firehose when it completes; after a crash, and where
 * the outcome of a request is not known, some records come again (`recordsSentAgain` counts the latter). Firehose itself may
 * deliver records twice, and in any order.
 *
 * Records go out by `PutRecordBatch`, up to 500 at once, when a request is full or the first has waited for `linger`. What the
 * service refuses of a request is sent again; while it throttles, fewer records are on their way at once.
 *
 * The sink stops the job for a record that is larger than 1,000 KiB (`MR_AWS_RECORD_TOO_LARGE`). Where the service takes nothing for
 * `retryTimeout`, the attempt fails with `MR_AWS_UNAVAILABLE`.
 *
 * @example
 * stream.sinkTo(firehoseSink({ deliveryStream: 'clicks-to-s3', value: json<Click>() }), { uid: 'lake' })
 */
export function firehoseSink<V, T = V>(options: FirehoseSinkOptions<V, T>): AtLeastOnceSink<T> {
  const checked = checkFirehoseSink(options)
  loadAwsService(FIREHOSE, 'firehoseSink()')
  const { deliveryStream, connection } = checked
  return sinkOf(
    checked,
    (operator) =>
      new AwsPutService(putRecordBatch(deliveryStream), connection, REAL_SURROUNDINGS, operator),
  )
}

/** As `firehoseSink`, on another service. */
export function firehoseSinkOn<V, T = V>(
  makeService: (operator: string) => PutService,
  options: FirehoseSinkOptions<V, T>,
): AtLeastOnceSink<T> {
  return sinkOf(checkFirehoseSink(options), makeService)
}

function sinkOf<V, T>(
  checked: CheckedFirehoseSink<V, T>,
  makeService: (operator: string) => PutService,
): AtLeastOnceSink<T> {
  return putSink<V, T>({
    kind: 'firehose',
    identity: { deliveryStream: checked.deliveryStream },
    checked,
    limits: FIREHOSE_LIMITS,
    isOrdered: false,
    makeService,
    makeRecords: ({ uid }, emit) => new FirehoseRecords(checked, uid, emit),
  })
}
