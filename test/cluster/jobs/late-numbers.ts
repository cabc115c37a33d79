import {
  boundedOutOfOrderness,
  dataGeneratorSource,
  fileSink,
  job,
  json,
  type Out,
  param,
  processFunction,
} from 'millrace'

export interface Judged {
  readonly n: number
  readonly isLate: boolean
}

const T0 = 1_700_000_000_000

/** Numbers a minute apart, which a parameter makes older, and whether they were late. */
export default job(
  'late-numbers',
  {
    params: {
      out: param.string(),
      count: param.number(),
      rate: param.number(),
      minutesEarlier: param.number(0),
    },
  },
  (env, { out, count, rate, minutesEarlier }) => {
    env
      .fromSource(dataGeneratorSource({ count, rate, generate: (n) => n }), {
        uid: 'numbers',
        watermarks: boundedOutOfOrderness('0s', (n) => T0 + (n - minutesEarlier) * 60_000),
      })
      .keyBy((n) => n % 3)
      .process(judge(), { uid: 'judge' })
      .sinkTo(fileSink({ dir: out, format: json<Judged>() }), { uid: 'judged' })
  },
)

const judge = () =>
  processFunction({
    processElement(n: number, ctx, out: Out<Judged>) {
      out.emit({ n, isLate: ctx.timestamp <= ctx.timers.currentWatermark })
    },
  })
