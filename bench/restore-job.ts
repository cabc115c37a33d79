/** The job of the restore benchmark: updates one of many keys with a value of 100 bytes, all keys equally often. */
import { collectionSink, dataGeneratorSource, job, param } from 'millrace'
import { texts, type Update } from './texts.ts'

/** A number from 0 to 2^32 − 1 for each index, evenly spread. */
function scattered(index: number): number {
  let mixed = Math.imul(index ^ (index >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

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
