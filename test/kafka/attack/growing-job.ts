import {
  fixedDelayRestart,
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

interface Input {
  readonly key: string
  readonly id: number
}

/** The value of a record of the output topic: the how-manieth of its key it is. */
export interface CountedInput extends Input {
  readonly count: number
}

/** Counts the records of each key from a topic whose partitions become more, without an end. */
export default job(
  'growing',
  {
    params: {
      brokers: param.string(undefined, 'Addresses of the brokers'),
      input: param.string(undefined, 'Topic to read'),
      output: param.string(undefined, 'Topic to write'),
    },
    restart: fixedDelayRestart({ attempts: 2, delay: '10ms' }),
  },
  (env, { brokers, input, output }) => {
    env
      .fromSource(
        kafkaSource<{ id: number }, string, Input>({
          brokers,
          topics: input,
          key: string(),
          value: json<{ id: number }>(),
          record: ({ key, value }) => ({ key: key!, id: value!.id }),
          start: 'earliest',
          discoveryInterval: 100,
          fetchMaxWait: 50,
          fetchMaxPartitionBytes: 2_048,
        }),
        { uid: 'input', watermarks: noWatermarks() },
      )
      .keyBy(({ key }) => key)
      .process(counted, { uid: 'count' })
      .sinkTo(
        kafkaSink<CountedInput, string>({
          brokers,
          topic: output,
          key: string(),
          toKey: ({ key }) => key,
          value: json<CountedInput>(),
        }),
        { uid: 'output' },
      )
  },
)

const counted = processFunction({
  state: { count: valueState<number>() },
  processElement({ key, id }: Input, ctx, out: Out<CountedInput>) {
    const count = (ctx.state.count.value() ?? 0) + 1
    ctx.state.count.update(count)
    out.emit({ key, id, count })
  },
})
