import { collectionSink, collectionSource, job, param } from 'millrace'

/** Uses a secret without telling it. */
export default job(
  'secretive',
  { params: { token: param.secret(undefined, 'Opens the door'), door: param.string('front') } },
  (env, { token }) => {
    env
      .fromSource(collectionSource([1, 2]), { uid: 'numbers' })
      .map((number) => number + token.length)
      .sinkTo(collectionSink<number>(), { uid: 'sums' })
  },
)
