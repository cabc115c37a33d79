import { loadAwsService } from '../../runtime/aws/aws-client.ts'
import { AwsPutService } from '../aws/aws-put-service.ts'
import {
  type AtLeastOnceSink,
  putSink,
  type PutSurroundings,
  REAL_SURROUNDINGS,
} from '../aws/put-sink.ts'
import type { PutService } from '../aws/put-service.ts'
import {
  checkKinesisSink,
  type CheckedKinesisSink,
  type KinesisSinkOptions,
} from './kinesis-sink-options.ts'
import { KinesisRecords } from './kinesis-sink-records.ts'
import { KINESIS } from './kinesis-client.ts'
import { putRecords } from './put-records.ts'

/**
 * Writes records to a stream of Kinesis. Needs the package `@aws-sdk/client-kinesis`.
 *
 * At least once: all that was written before a checkpoint is in the stream when it completes; after a crash, and where the outcome
 * of a request is not known, some records come again (`recordsSentAgain` counts the latter).
 *
 * Records go out by `PutRecords`, up to 500 at once, when a request is full or the first has waited for `linger`. What the service
 * refuses of a request is sent again, behind what it has taken: set `ordered` where the order of a key matters. While the service
 * throttles, fewer records are on their way at once.
 *
 * The sink stops the job for a record that is larger than the stream takes (`MR_AWS_RECORD_TOO_LARGE`) and for a bad key
 * (`MR_KINESIS_KEY_INVALID`). Where the service takes nothing for `retryTimeout`, the attempt fails with `MR_AWS_UNAVAILABLE`.
 *
 * @example
 * stream.sinkTo(
 *   kinesisSink({ stream: 'alerts', value: json<Alert>(), partitionKey: (alert) => alert.account }),
 *   { uid: 'alerts' },
 * )
 */
export function kinesisSink<V, T = V>(options: KinesisSinkOptions<V, T>): AtLeastOnceSink<T> {
  const checked = checkKinesisSink(options)
  loadAwsService(KINESIS, 'kinesisSink()')
  return sinkOf(checked, putRecordsTo(checked, REAL_SURROUNDINGS))
}

/** As `kinesisSink`, on another service. */
export function kinesisSinkOn<V, T = V>(
  makeService: (operator: string) => PutService,
  options: KinesisSinkOptions<V, T>,
): AtLeastOnceSink<T> {
  return sinkOf(checkKinesisSink(options), makeService)
}

function putRecordsTo<V, T>(
  { stream, connection }: CheckedKinesisSink<V, T>,
  surroundings: PutSurroundings,
) {
  return (operator: string): PutService =>
    new AwsPutService(putRecords(stream), connection, surroundings, operator)
}

function sinkOf<V, T>(
  checked: CheckedKinesisSink<V, T>,
  makeService: (operator: string) => PutService,
): AtLeastOnceSink<T> {
  return putSink<V, T>({
    kind: 'kinesis',
    identity: { stream: checked.stream },
    checked,
    limits: checked.limits,
    isOrdered: checked.isOrdered,
    makeService,
    makeRecords: ({ uid }, emit) => new KinesisRecords(checked, uid, emit),
  })
}
