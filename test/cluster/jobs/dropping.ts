import {
  dataGeneratorSource,
  fileSink,
  job,
  json,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'

/** How often a key has come by each of the states that count it; `second` is declared on request. */
export interface Counts {
  readonly n: number
  readonly first: number
  readonly second?: number
}

/** Counts the numbers of each key with one state, or with two. */
export default job(
  'dropping',
  {
    params: {
      out: param.string(),
      count: param.number(),
      rate: param.number(),
      both: param.boolean(),
    },
  },
  (env, { out, count, rate, both }) => {
    env
      .fromSource(dataGeneratorSource({ count, rate, generate: (n) => n }), { uid: 'numbers' })
      .keyBy((n) => n % 3)
      .process(both ? countWithBoth() : countWithOne(), { uid: 'count' })
      .sinkTo(fileSink({ dir: out, format: json<Counts>() }), { uid: 'counts' })
  },
)

const first = valueState<number>()

const countWithOne = () =>
  processFunction({
    state: { first },
    processElement(n: number, ctx, out: Out<Counts>) {
      ctx.state.first.update((ctx.state.first.value() ?? 0) + 1)
      out.emit({ n, first: ctx.state.first.value()! })
    },
  })

const countWithBoth = () =>
  processFunction({
    state: { first, second: valueState<number>() },
    processElement(n: number, ctx, out: Out<Counts>) {
      for (const state of [ctx.state.first, ctx.state.second])
        state.update((state.value() ?? 0) + 1)
      out.emit({ n, first: ctx.state.first.value()!, second: ctx.state.second.value()! })
    },
  })
