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
import type { Payment } from './input.ts'
import { stampStart } from '../started.ts'

interface Keyed extends Payment {
  readonly key: string
}

interface Counted {
  readonly key: string
  readonly count: number
  readonly pad: string
}

/** consume → keyBy → count → produce; with `read` nothing is put out. */
export default job(
  'kafka-bench',
  {
    params: {
      brokers: param.string(undefined),
      input: param.string(undefined),
      output: param.string(''),
      mode: param.string('read'),
      stamps: param.string(undefined, 'File for the time of the first record'),
    },
  },
  (env, { brokers, input, output, mode, stamps }) => {
    let isFirst = true
    const payments = env
      .fromSource(
        kafkaSource<Payment, string, Keyed>({
          brokers,
          topics: input,
          key: string(),
          value: json<Payment>(),
          record: ({ key, value }) => {
            const { n, amount, pad } = value!
            return { key: key!, n, amount, pad }
          },
          end: 'latest',
        }),
        { uid: 'input', watermarks: noWatermarks() },
      )
      .filter((payment) => {
        if (isFirst) stampStart(stamps)
        isFirst = false
        return mode !== 'read' || payment.n < 0
      })
    const counts = payments.keyBy(({ key }) => key).process(counted, { uid: 'count' })
    counts.sinkTo(
      kafkaSink<Counted, string>({
        brokers,
        topic: output === '' ? input : output,
        key: string(),
        toKey: ({ key }) => key,
        value: json<Counted>(),
        guarantee: mode === 'exactly-once' ? 'exactly-once' : 'at-least-once',
      }),
      { uid: 'output' },
    )
  },
)

const counted = processFunction({
  state: { count: valueState<number>() },
  processElement({ key, pad }: Keyed, ctx, out: Out<Counted>) {
    const count = (ctx.state.count.value() ?? 0) + 1
    ctx.state.count.update(count)
    out.emit({ key, count, pad })
  },
})
