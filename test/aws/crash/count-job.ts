import {
  fileSink,
  fixedDelayRestart,
  job,
  json,
  noWatermarks,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { kinesisSource } from 'millrace/aws'

/** The value of a record of the stream: the how-manieth of its key it was written as. */
export interface Numbered {
  readonly key: string
  readonly n: number
}

/** A row of output: the how-manieth of its key it was read as. */
export interface Counted extends Numbered {
  readonly count: number
}

/** Counts the records of each key of a stream into files. */
export default job(
  'kinesis-count',
  {
    params: {
      endpoint: param.string(undefined, 'Where Kinesis is'),
      stream: param.string(undefined, 'Stream to read'),
      end: param.number(undefined, 'Time of arrival at which reading ends'),
      out: param.string(undefined, 'Folder to write'),
    },
    // Faults that come back are no reason to end.
    restart: fixedDelayRestart({ attempts: 1_000, delay: '10ms' }),
  },
  (env, { endpoint, stream, end, out }) => {
    env
      .fromSource(
        kinesisSource<Numbered>({
          endpoint,
          region: 'eu-central-1',
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          stream,
          value: json<Numbered>(),
          start: 'earliest',
          end: { timestamp: end },
          discoveryInterval: '1s',
          pollInterval: 20,
          fetchMaxRecords: 10,
        }),
        { uid: 'input', watermarks: noWatermarks() },
      )
      .keyBy((record) => record.key)
      .process(counted, { uid: 'count' })
      .sinkTo(fileSink({ dir: out, format: json() }), { uid: 'output' })
  },
)

const counted = processFunction({
  state: { count: valueState<number>() },
  processElement({ key, n }: Numbered, ctx, out: Out<Counted>) {
    const count = ctx.state.count.value() ?? 0
    ctx.state.count.update(count + 1)
    out.emit({ key, n, count })
  },
})
