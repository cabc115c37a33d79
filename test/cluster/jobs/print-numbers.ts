import { dataGeneratorSource, job, json, param, printSink } from 'millrace'

/** Prints numbers, for ever unless told how many; says a line of its own in each subtask. */
export default job(
  'print-numbers',
  { params: { count: param.number(0, 'How many; 0 is without end'), rate: param.number(0) } },
  (env, params) => {
    const count = params.count > 0 ? { count: params.count } : {}
    env
      .fromSource(dataGeneratorSource({ generate: (i) => ({ i }), rate: params.rate, ...count }), {
        uid: 'numbers',
      })
      .sinkTo(printSink({ format: json() }), { uid: 'print' })
  },
)
