import {
  job,
  json,
  noWatermarks,
  type Out,
  param,
  processFunction,
  string,
  valueState,
} from 'millrace'
import { kafkaSink, kafkaSource } from 'millrace/kafka'

/** The value of a record of the input topic. */
export interface Numbered {
  readonly id: number
}

interface Keyed extends Numbered {
  readonly key: string
}

/** The value of a record of the output topic: the how-manieth of its key it is. */
export interface Counted extends Keyed {
  readonly count: number
}

/** Counts the records of each key from one topic to another, slowly enough to be hit in the middle. */
export default job(
  'kafka-count',
  {
    params: {
      brokers: param.string(undefined, 'Addresses of the brokers'),
      input: param.string(undefined, 'Topic to read, to its end'),
      output: param.string(undefined, 'Topic to write'),
      slowMs: param.number(1, 'How long each record takes'),
    },
  },
  (env, { brokers, input, output, slowMs }) => {
    env
      .fromSource(
        kafkaSource<Numbered, string, Keyed>({
          brokers,
          topics: input,
          key: string(),
          value: json<Numbered>(),
          record: ({ key, value }) => ({ key: key!, id: value!.id }),
          end: 'latest',
          fetchMaxWait: 100,
          fetchMaxPartitionBytes: 4_096,
        }),
        { uid: 'input', watermarks: noWatermarks() },
      )
      .map((record) => {
        Atomics.wait(sleeper, 0, 0, slowMs)
        return record
      })
      .keyBy((record) => record.key)
      .process(counted, { uid: 'count' })
      .sinkTo(
        kafkaSink<Counted, string>({
          brokers,
          topic: output,
          key: string(),
          toKey: (record) => record.key,
          value: json<Counted>(),
        }),
        { uid: 'output' },
      )
  },
)

const sleeper = new Int32Array(new SharedArrayBuffer(4))

const counted = processFunction({
  state: { count: valueState<number>() },
  processElement({ key, id }: Keyed, ctx, out: Out<Counted>) {
    const count = (ctx.state.count.value() ?? 0) + 1
    ctx.state.count.update(count)
    out.emit({ key, id, count })
  },
})
