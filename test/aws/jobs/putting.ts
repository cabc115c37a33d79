import {
  dataGeneratorSource,
  fixedDelayRestart,
  job,
  json,
  type Out,
  param,
  processFunction,
} from 'millrace'
import { firehoseSink, kinesisSink } from 'millrace/aws'

interface Row {
  readonly key: string
  readonly n: number
}

/** Writes numbered rows of forty keys to a stream of Kinesis, each key in order, or to a delivery stream of Firehose. */
export default job(
  'putting',
  {
    params: {
      endpoint: param.string(undefined, 'Where the service is'),
      to: param.string(undefined, 'kinesis or firehose'),
      name: param.string(undefined, 'Where the rows go'),
      count: param.number(400),
      rate: param.number(1_000, 'Rows a second'),
    },
    restart: fixedDelayRestart({ attempts: 20, delay: '10ms' }),
  },
  (env, { endpoint, to, name, count, rate }) => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const shared = { endpoint, credentials, region: 'eu-central-1', value: json<Row>() }
    const sink =
      to === 'kinesis'
        ? kinesisSink<Row>({
            ...shared,
            stream: name,
            partitionKey: ({ key }) => key,
            ordered: true,
            linger: '20ms',
          })
        : firehoseSink<Row>({ ...shared, deliveryStream: name, linger: '20ms' })
    const passed = processFunction({
      processElement: (row: Row, _: unknown, out: Out<Row>) => out.emit(row),
    })
    env
      .fromSource(
        dataGeneratorSource({ count, rate, generate: (n): Row => ({ key: `k${n % 40}`, n }) }),
        { uid: 'rows' },
      )
      .keyBy((row) => row.key)
      .process(passed, { uid: 'passed' })
      .sinkTo(sink, { uid: 'out' })
  },
)
