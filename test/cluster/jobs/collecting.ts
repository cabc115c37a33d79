import { collectionSink, dataGeneratorSource, job, param } from 'millrace'

/** Squares into a collection sink, which cannot take back what it has committed. */
export default job(
  'collecting',
  { params: { count: param.number(100), rate: param.number(0) } },
  (env, { count, rate }) => {
    env
      .fromSource(dataGeneratorSource({ count, rate, generate: (index) => index }), {
        uid: 'numbers',
      })
      .map((index) => index * index)
      .sinkTo(collectionSink<number>(), { uid: 'squares' })
  },
)
