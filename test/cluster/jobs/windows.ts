import {
  count,
  dataGeneratorSource,
  fileSink,
  job,
  json,
  monotonousTimestamps,
  param,
  tumblingEventTimeWindows,
} from 'millrace'

/** Counts records in windows of event time, which a drain closes early: late ones would be missing in the sum. */
export default job(
  'windows',
  {
    params: {
      out: param.string(undefined, 'Where the counts go'),
      count: param.number(1_000),
      rate: param.number(0),
    },
  },
  (env, params) => {
    env
      .fromSource(
        dataGeneratorSource({
          count: params.count,
          rate: params.rate,
          generate: (index) => ({ key: `k${index % 3}`, time: index }),
        }),
        { uid: 'records', watermarks: monotonousTimestamps((record) => record.time) },
      )
      .keyBy((record) => record.key)
      .window(tumblingEventTimeWindows(1_000_000))
      .aggregate(count(), { uid: 'count' })
      .sinkTo(fileSink({ dir: params.out, format: json() }), { uid: 'out' })
  },
)
