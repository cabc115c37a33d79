/** The job of the recovery benchmark: counts the records of each key in its text, which is the state that has to be restored. */
import { readFileSync } from 'node:fs'
import {
  fileSink,
  job,
  json,
  noWatermarks,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { monotonicMs } from '../monotonic.ts'
import { pacedSource } from '../paced-source.ts'
import { type CountedRow, keyOf } from './rows.ts'

const TEXT_LENGTH = 90

function tell(type: string): string {
  return JSON.stringify({ type, at: monotonicMs() })
}

/** Under the uid `texts`, with the state that `writeCheckpoint` makes: a text that does not begin with a number counts as none. */
const counting = () => {
  let hasTold = false
  return processFunction({
    state: { text: valueState<string>() },
    processElement({ index }: { index: number }, ctx, out: Out<CountedRow>) {
      if (!hasTold) {
        hasTold = true
        console.log(tell('processed'))
      }
      const n = (Number.parseInt(ctx.state.text.value() ?? '', 10) || 0) + 1
      ctx.state.text.update(String(n).padEnd(TEXT_LENGTH, 'x'))
      out.emit({ index, n })
    },
  })
}

/** How often a subtask looks whether the end has been told. */
const LOOK_EVERY_MS = 50

/** The number in a file, as soon as there is one. */
function countIn(path: string): () => number {
  let count = Infinity
  let looked = -Infinity
  return () => {
    const now = monotonicMs()
    if (count < Infinity || now - looked < LOOK_EVERY_MS) return count
    looked = now
    try {
      count = Number(readFileSync(path, 'utf8'))
    } catch {
      // Nobody has told it yet.
    }
    return count
  }
}

export default job(
  'recovery',
  {
    params: {
      keys: param.number(1_000, 'Keys'),
      rate: param.number(1_000, 'Records a second'),
      end: param.string('end', 'File that will hold the number of all records'),
      startAt: param.number(0, 'When the first one is due'),
      out: param.string('out', 'Folder of the committed rows'),
    },
  },
  (env, { keys, rate, end, startAt, out }) => {
    const source = pacedSource({
      rate,
      count: countIn(end),
      startAt,
      prepare: (partition, partitions) => (ordinal) => {
        const index = ordinal * partitions + partition
        return { index, key: keyOf(index, keys) }
      },
      onEvent: (type, log) => log(tell(type)),
    })
    env
      .fromSource(source, { uid: 'updates', watermarks: noWatermarks() })
      .keyBy(({ key }) => key)
      .process(counting(), { uid: 'texts' })
      .sinkTo(fileSink({ dir: out, format: json<CountedRow>() }), { uid: 'rows' })
  },
)
