import { dataGeneratorSource, job, printSink } from 'millrace'

/** Says so, and then never returns from a function. */
export default job('stuck', {}, (env) => {
  env
    .fromSource(dataGeneratorSource({ generate: (i) => i, rate: 100 }), { uid: 'numbers' })
    .map((i) => {
      console.log('now it is stuck')
      for (;;) if (i < 0) return i
    })
    .sinkTo(printSink(), { uid: 'print' })
})
