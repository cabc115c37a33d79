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
import type { Row } from './evolving-before.ts'

interface Seen {
  readonly count: number
}

/** The job of `evolving-before.ts`: other uids, and the values of its states have another shape. */
export default job(
  'evolving',
  {
    params: {
      out: param.string(),
      count: param.number(600),
      rate: param.number(0),
      broken: param.boolean(false, 'An upcast throws'),
    },
    renamedUids: { rows: 'lines', number: 'numbered', out: 'files', once: 'numbered' },
  },
  (env, { out, count, rate, broken }) => {
    const upcast = (count: number): Seen => {
      if (typeof count !== 'number') throw new Error('upcast twice')
      if (broken) throw new Error('no such number')
      return { count }
    }
    const numbered = processFunction({
      state: {
        seen: valueState<Seen>({ version: 2, upcasts: { 1: upcast } }),
        thirds: mapState<number, Seen>({ version: 2, upcasts: { 1: upcast } }),
        last: valueState<number>(),
      },
      processElement({ key, index }: Row, ctx, emit: Out<Row & { n: number }>) {
        const { seen, thirds, last } = ctx.state
        const n = (seen.value()?.count ?? 0) + 1
        seen.update({ count: n })
        thirds.put(n % 3, { count: (thirds.get(n % 3)?.count ?? 0) + 1 })
        last.update(index)
        const sum = [...thirds.values()].reduce((all, one) => all + one.count, 0)
        emit.emit({ key, index, n: sum === n ? n : -1 })
      },
    })
    const generate = (index: number): Row => ({ key: `k${index % 10}`, index })
    env
      .fromSource(dataGeneratorSource({ count, rate, generate }), { uid: 'lines' })
      .keyBy((row) => row.key)
      .process(numbered, { uid: 'numbered' })
      .sinkTo(fileSink({ dir: out, format: json() }), { uid: 'files' })
  },
)
