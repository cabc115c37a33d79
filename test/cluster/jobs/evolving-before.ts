import {
  dataGeneratorSource,
  fileSink,
  job,
  json,
  mapState,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'

export interface Row {
  readonly key: string
  readonly index: number
}

/** Numbers the records of each of ten keys, in its first version; `evolving-after.ts` is the same job after an edit. */
export default job(
  'evolving',
  { params: { out: param.string(), count: param.number(600), rate: param.number(0) } },
  (env, { out, count, rate }) => {
    const numbered = processFunction({
      state: { seen: valueState<number>(), thirds: mapState<number, number>() },
      processElement({ key, index }: Row, ctx, emit: Out<Row & { n: number }>) {
        const { seen, thirds } = ctx.state
        const n = (seen.value() ?? 0) + 1
        seen.update(n)
        thirds.put(n % 3, (thirds.get(n % 3) ?? 0) + 1)
        emit.emit({ key, index, n })
      },
    })
    const generate = (index: number): Row => ({ key: `k${index % 10}`, index })
    env
      .fromSource(dataGeneratorSource({ count, rate, generate }), { uid: 'rows' })
      .keyBy((row) => row.key)
      .process(numbered, { uid: 'number' })
      .sinkTo(fileSink({ dir: out, format: json() }), { uid: 'out' })
  },
)
