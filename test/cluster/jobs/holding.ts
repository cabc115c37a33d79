import {
  dataGeneratorSource,
  fileSink,
  job,
  json,
  operatorListState,
  type Out,
  param,
  unionListState,
} from 'millrace'

/** Numbers that left a subtask together. */
export interface Batch {
  readonly numbers: readonly number[]
}

/** Holds numbers back until a subtask has seven of them, and counts in a union list what it has let go. */
export default job(
  'holding',
  { params: { out: param.string(), count: param.number(), rate: param.number() } },
  (env, { out, count, rate }) => {
    env
      .fromSource(dataGeneratorSource({ count, rate, generate: (n) => n }), { uid: 'numbers' })
      .rebalance()
      .process(
        {
          operatorState: { held: operatorListState<number>(), gone: unionListState<number>() },
          open({ subtaskIndex, operatorState: { gone } }) {
            const all = gone.get().reduce((sum, n) => sum + n, 0)
            gone.update([subtaskIndex === 0 ? all : 0])
          },
          processElement(n, ctx, batches: Out<Batch>) {
            const { held, gone } = ctx.operatorState
            held.add(n)
            if (held.get().length < 7) return
            batches.emit({ numbers: [...held.get()] })
            gone.update([gone.get()[0]! + held.get().length])
            held.clear()
          },
        },
        { uid: 'held' },
      )
      .sinkTo(fileSink({ dir: out, format: json<Batch>() }), { uid: 'batches' })
  },
)
