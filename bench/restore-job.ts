/** The job of the restore benchmark: updates one of many keys with a value of 100 bytes, all keys equally often. */
import { collectionSink, dataGeneratorSource, job, param } from 'millrace'
import { scattered } from './scattered.ts'
import { texts, type Update } from './texts.ts'

export default job(
  'restore-bench',
  { params: { keys: param.number(1_000, 'Keys'), count: param.number(0, 'Records, 0 for ever') } },
  (env, { keys, count }) => {
    env
      .fromSource(
        dataGeneratorSource<Update>({
          generate: (index) => ({ key: scattered(index) % keys }),
          ...(count > 0 ? { count } : {}),
        }),
        { uid: 'updates' },
      )
      .keyBy((update) => update.key)
      .process(texts(), { uid: 'texts' })
      .sinkTo(collectionSink<never>(), { uid: 'nothing' })
  },
)
