import { boundedOutOfOrderness, job, json, param } from 'millrace'
import { eventTime, firehoseSink, kinesisSource, s3Sink } from 'millrace/aws'
import { after } from './demo/after.ts'
import type { Alert } from './fraud/alert.ts'
import { fraudRules } from './fraud/fraud-rules.ts'
import type { Transaction } from './fraud/transaction.ts'

/**
 * The rules of fraud-detection.ts over a stream of Kinesis: alerts go to Firehose at once, perhaps twice, for whoever acts on them, and
 * into S3 exactly once, for whoever counts them.
 *
 * Region, keys and addresses are what the SDK finds: AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL and so on.
 */
export default job(
  'kinesis-fraud',
  {
    params: {
      stream: param.string(
        'transactions',
        'Stream of card transactions, with the card as partition key',
      ),
      deliveryStream: param.string('alerts', 'Delivery stream of Firehose that alerts go to'),
      lake: param.string(undefined, 'Where alerts are kept, s3://bucket/prefix'),
      bounded: param.boolean(false, 'Reads the stream from its beginning to its end of now'),
      pause: param.number(0, 'Milliseconds that each transaction takes, to watch it'),
    },
  },
  (env, { stream, deliveryStream, lake, bounded, pause }) => {
    const transactions = env.fromSource(
      kinesisSource({
        stream,
        value: json<Transaction>(),
        ...(bounded && { start: 'earliest', end: 'latest' }),
      }),
      {
        uid: 'transactions',
        watermarks: boundedOutOfOrderness('5s', ({ ts }) => ts * 1_000),
      },
    )
    const alerts = fraudRules(
      pause > 0 ? transactions.map((transaction) => after(pause, transaction)) : transactions,
    )
    alerts.sinkTo(firehoseSink({ deliveryStream, value: json<Alert>() }), { uid: 'alerts-now' })
    alerts.sinkTo(
      s3Sink({
        path: lake,
        format: json<Alert>(),
        compression: 'gzip',
        partitions: { rule: ({ rule }) => rule, dt: eventTime('day') },
      }),
      { uid: 'alerts-kept' },
    )
  },
)
