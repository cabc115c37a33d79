import {
  boundedOutOfOrderness,
  dataGeneratorSource,
  fileSink,
  job,
  json,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { type Reading, readingOf } from './generated/readings.ts'
import { judge, type Usual } from './iot/usual.ts'

/** Something is wrong with a sensor, or with what it measures. */
export interface Anomaly {
  readonly sensor: string
  readonly kind: 'outlier' | 'silent'
  readonly at: number
  /** Degrees Celsius; of a silent one the last that it sent. */
  readonly celsius: number
}

const SILENT_MS = 60_000

/**
 * Finds readings far from what their sensor has measured lately, and sensors that send nothing for a minute. At the end of the input
 * all of them are silent.
 */
export default job(
  'iot-anomaly',
  {
    params: {
      count: param.number(60_000, 'How many readings there are; 0 never ends'),
      rate: param.number(0, 'Records per second; 0 is as fast as possible'),
      out: param.string('out/iot-anomalies', 'Where the anomalies go'),
    },
  },
  (env, { count, rate, out }) => {
    const readings = dataGeneratorSource({ generate: readingOf, rate, ...(count > 0 && { count }) })
    env
      .fromSource(readings, {
        uid: 'readings',
        // One thread makes all, so that those of a sensor come in order.
        parallelism: 1,
        watermarks: boundedOutOfOrderness('5s', ({ at }) => at),
      })
      .keyBy(({ sensor }) => sensor)
      .process(anomalies(), { uid: 'anomalies' })
      .sinkTo(fileSink({ dir: out, format: json<Anomaly>() }), { uid: 'anomalies-out' })
  },
)

export const anomalies = () =>
  processFunction({
    state: { last: valueState<Reading>(), usual: valueState<Usual>() },

    processElement(reading: Reading, ctx, out: Out<Anomaly>) {
      const { last, usual } = ctx.state
      const { sensor, at, celsius } = reading
      const judged = judge(usual.value(), celsius)
      usual.update(judged.usual)
      if (judged.isOutlier) out.emit({ sensor, kind: 'outlier', at, celsius })
      const before = last.value()
      if (before !== undefined) ctx.timers.deleteEventTime(before.at + SILENT_MS)
      last.update(reading)
      ctx.timers.registerEventTime(at + SILENT_MS)
    },

    onTimer(_timestamp, ctx, out: Out<Anomaly>) {
      const { sensor, at, celsius } = ctx.state.last.value()!
      out.emit({ sensor, kind: 'silent', at, celsius })
    },
  })
