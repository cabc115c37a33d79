import { job, json, noWatermarks, param } from 'millrace'
import { kafkaSink, kafkaSource } from 'millrace/kafka'
import type { Stamped } from './latency.ts'

/** Passes records on from one topic to another, at least once. */
export default job(
  'kafka-latency',
  {
    params: {
      brokers: param.string(undefined),
      input: param.string(undefined),
      output: param.string(undefined),
    },
  },
  (env, { brokers, input, output }) => {
    env
      .fromSource(kafkaSource({ brokers, topics: input, value: json<Stamped>() }), {
        uid: 'input',
        watermarks: noWatermarks(),
      })
      .map((record) => record)
      .sinkTo(
        kafkaSink({ brokers, topic: output, value: json<Stamped>(), guarantee: 'at-least-once' }),
        { uid: 'output' },
      )
  },
)
