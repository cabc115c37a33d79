import { dataGeneratorSource, job, type Out, printSink } from 'millrace'

/** Each subtask but the first is kept from everything for three seconds, again and again. */
export default job('held-up', {}, (env) => {
  env
    .fromSource(dataGeneratorSource({ generate: (i) => i, rate: 200 }), { uid: 'numbers' })
    .process(
      {
        processElement(value: number, ctx, out: Out<number>) {
          const until = performance.now() + (ctx.subtaskIndex > 0 ? 3_000 : 0)
          while (performance.now() < until) continue
          out.emit(value)
        },
      },
      { uid: 'busy' },
    )
    .keyBy((value) => value)
    .reduce((a) => a, { uid: 'behind' })
    .sinkTo(printSink(), { uid: 'print' })
})
