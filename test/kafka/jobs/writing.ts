import {
  dataGeneratorSource,
  fixedDelayRestart,
  job,
  json,
  type Out,
  param,
  processFunction,
  string,
} from 'millrace'
import { kafkaSink, kafkaTopic } from 'millrace/kafka'

interface Row {
  readonly key: string
  readonly n: number
}

/** Writes numbered rows of ten keys to a topic, exactly once. */
export default job(
  'writing',
  {
    params: {
      brokers: param.string(undefined, 'Where Kafka is'),
      topic: param.string(undefined, 'Where the rows go'),
      count: param.number(400),
      rate: param.number(1_000, 'Rows a second'),
    },
    restart: fixedDelayRestart({ attempts: 20, delay: '10ms' }),
  },
  (env, { brokers, topic, count, rate }) => {
    const passed = processFunction({
      processElement: (row: Row, _: unknown, out: Out<Row>) => out.emit(row),
    })
    const rows = kafkaTopic({ name: topic, value: json<Row>(), key: string() })
    env
      .fromSource(
        dataGeneratorSource({
          count,
          rate,
          generate: (n): Row => ({ key: `k${n % 10}`, n }),
        }),
        { uid: 'rows' },
      )
      .keyBy((row) => row.key)
      .process(passed, { uid: 'passed' })
      .sinkTo(kafkaSink({ brokers, topic: rows, toKey: ({ key }) => key }), { uid: 'out' })
  },
)
