import {
  dataGeneratorSource,
  type Duration,
  fixedDelayRestart,
  job,
  json,
  type Out,
  param,
  processFunction,
  string,
} from 'millrace'
import { kafkaSink } from 'millrace/kafka'

/** A row of the output topic. */
export interface NumberedRow {
  readonly key: string
  readonly n: number
}

/** Writes the numbers from 0 on to a topic, exactly once, with whatever timeouts a test wants to see pass. */
export default job(
  'numbers',
  {
    params: {
      brokers: param.string(undefined, 'Where Kafka is'),
      topic: param.string(undefined, 'Where the rows go'),
      count: param.number(400),
      rate: param.number(1_000, 'Rows a second'),
      transactionTimeout: param.string('1m'),
      requestTimeout: param.string('30s'),
      retryTimeout: param.string('1m'),
      prefix: param.string('', 'transactionalIdPrefix; empty for the default'),
      whenMarkerLost: param.string('fail'),
    },
    restart: fixedDelayRestart({ attempts: 5, delay: '10ms' }),
  },
  (env, params) => {
    const { brokers, topic, count, rate, prefix } = params
    env
      .fromSource(
        dataGeneratorSource({
          count,
          rate,
          generate: (n): NumberedRow => ({ key: `k${n % 10}`, n }),
        }),
        { uid: 'rows' },
      )
      .keyBy((row) => row.key)
      .process(
        processFunction({
          processElement: (row: NumberedRow, _: unknown, out: Out<NumberedRow>) => out.emit(row),
        }),
        { uid: 'passed' },
      )
      .sinkTo(
        kafkaSink<NumberedRow, string>({
          brokers,
          topic,
          key: string(),
          toKey: ({ key }) => key,
          value: json<NumberedRow>(),
          transactionTimeout: params.transactionTimeout as Duration,
          requestTimeout: params.requestTimeout as Duration,
          retryTimeout: params.retryTimeout as Duration,
          whenMarkerLost: params.whenMarkerLost as 'fail' | 'replay' | 'skip',
          ...(prefix === '' ? {} : { transactionalIdPrefix: prefix }),
        }),
        { uid: 'out' },
      )
  },
)
