/** The job of the alignment benchmark: a source that never waits, and behind a shuffle an operator that needs so long a record. */
import {
  collectionSink,
  dataGeneratorSource,
  job,
  param,
  processFunction,
  valueState,
} from 'millrace'

interface Payment {
  readonly card: string
  readonly amount: number
}

export default job(
  'alignment-bench',
  { params: { micros: param.number(0, 'Time that a record takes') } },
  (env, { micros }) => {
    env
      .fromSource(
        dataGeneratorSource<Payment>({
          generate: (index) => ({ card: `card ${index % 10_000}`, amount: index % 997 }),
        }),
        { uid: 'payments' },
      )
      .keyBy((payment) => payment.card)
      .process(
        processFunction({
          state: { sum: valueState<number>() },
          processElement({ amount }: Payment, ctx) {
            ctx.state.sum.update((ctx.state.sum.value() ?? 0) + amount)
            if (micros === 0) return
            const end = performance.now() + micros / 1_000
            while (performance.now() < end);
          },
        }),
        { uid: 'slow' },
      )
      .sinkTo(collectionSink<never>(), { uid: 'nothing' })
  },
)
