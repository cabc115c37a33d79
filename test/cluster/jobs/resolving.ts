import { collectionSink, collectionSource, job } from 'millrace'

/** Tells where a worker thread finds the package. */
export default job('resolving', {}, (env) => {
  console.log('the module is evaluated')
  env
    .fromSource(collectionSource(['millrace']), { uid: 'names' })
    .map((name) => {
      console.log(`resolving\n${name}`)
      return import.meta.resolve(name)
    })
    .sinkTo(collectionSink<string>(), { uid: 'urls' })
})
