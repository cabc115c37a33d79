import { threadId } from 'node:worker_threads'
import { collectionSink, collectionSource, job } from 'millrace'

/** Builds another graph in every thread, as a job that reads the clock might. */
export default job('wavering', {}, (env) => {
  env
    .fromSource(collectionSource([1]), { uid: 'numbers' })
    .map((number) => number, { uid: `map-${threadId}` })
    .sinkTo(collectionSink<number>(), { uid: 'out' })
})
