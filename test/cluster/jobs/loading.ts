import { collectionSink, collectionSource, job } from 'millrace'

/** Says so, and then never ends being imported. */
export default job('loading', {}, (env) => {
  env
    .fromSource(collectionSource([1]), { uid: 'numbers' })
    .sinkTo(collectionSink<number>(), { uid: 'out' })
})

console.log('loading')
await new Promise(() => {})
