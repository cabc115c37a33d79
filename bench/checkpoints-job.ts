/**
 * The job of the checkpoints benchmark: changes so many keys between two checkpoints, others each time, and tells of every gap
 * between two records that is longer than a millisecond.
 */
import { collectionSink, dataGeneratorSource, job, param } from 'millrace'
import { texts, type Update } from './texts.ts'

/** From the end of a gap, in ms since the epoch, its length in ms. */
export type Gap = readonly [end: number, length: number]

/** A line of a job that is longer than 2,000 characters is cut off: 25 gaps of a source that emits every 10 ms are not. */
const TELL_EVERY_MS = 250
const LEAST_GAP_MS = 1

let gaps: Gap[] = []
let last = performance.now()
let told = last

function record(): void {
  const now = performance.now()
  if (now - last > LEAST_GAP_MS)
    gaps.push([tenths(performance.timeOrigin + now), tenths(now - last)])
  last = now
  if (now - told < TELL_EVERY_MS) return
  console.log(JSON.stringify(gaps))
  gaps = []
  told = now
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}

export default job(
  'restore-bench',
  {
    params: {
      keys: param.number(1_000, 'Keys'),
      changed: param.number(10, 'Keys that change between two checkpoints'),
      rate: param.number(0, 'Records a second'),
    },
  },
  (env, { keys, changed, rate }) => {
    // Without a rate a key changes many times before the next one has its turn.
    const perBlock = rate > 0 ? changed : 50 * changed
    const generate = (index: number): Update => {
      const block = Math.floor(index / perBlock)
      // A prime: neighbours are spread over all key groups.
      return { key: (((block * changed + (index % changed)) % keys) * 7_919) % keys }
    }
    env
      .fromSource(dataGeneratorSource<Update>({ generate, rate }), { uid: 'updates' })
      .keyBy((update) => update.key)
      .process(texts(record), { uid: 'texts' })
      .sinkTo(collectionSink<never>(), { uid: 'nothing' })
  },
)
