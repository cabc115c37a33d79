import { outputTag } from '../../../operators/output-tag.ts'
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import type { Random } from '../../../runtime/clock.ts'
import { below, pick } from '../../simulation/rows.ts'
import type { Event } from '../event.ts'
import type { OracleOperator } from '../oracle-operator.ts'
import { randomOffset, randomSpan, type RandomStream } from '../random-stream.ts'
import { CONTENT_COLUMNS, type Fold, FOLDS, foldWindows, LOOSE_FOLDS } from './contents.ts'
import { firingProblem } from './firing-problem.ts'
import { firings } from './firings.ts'

interface Params {
  readonly sizeMs: number
  readonly offsetMs: number
  readonly latenessMs: number
  readonly fold: Fold | 'ids' | 'sorted-ids'
  /** Late events are dropped without a word; where they are not kept either, that is an operator of its own. */
  readonly isSilent: boolean
}

const LATE = outputTag<Event>('late')

/** Tumbling windows, each late record within the allowed lateness firing them again (semantics 2.1, 2.3). */
export const tumblingWindows: OracleOperator<Params> = {
  name: 'tumbling-windows',
  inputs: 1,
  certainties: ['exact', 'exact', 'in-time', 'loose'],
  isOrdered: true,

  draw(random: Random, stream: RandomStream) {
    const sizeMs = randomSpan(random, stream, stream.spanMs * 2)
    const isKept = below(random, 3) === 0
    return {
      sizeMs,
      offsetMs: below(random, 3) === 0 ? randomOffset(random, stream, sizeMs) : 0,
      latenessMs: isKept ? randomSpan(random, stream, stream.spanMs) : 0,
      fold: pick(random, stream.certainty === 'loose' ? LOOSE_FOLDS : FOLDS),
      isSilent: below(random, 3) > 0,
    }
  },

  build({ first, keyOf }, { sizeMs, offsetMs, latenessMs, fold, isSilent }, options) {
    const windowed = first
      .keyBy(keyOf)
      .window(tumblingEventTimeWindows(sizeMs, { offset: offsetMs }))
      .allowedLateness(latenessMs)
    if (isSilent) return { main: foldWindows(windowed, fold, options) }
    return { main: foldWindows(windowed.sideOutputLateData(LATE), fold, options), late: LATE }
  },

  late: (params) => `${startOf(params)} + ${params.sizeMs} - 1 + ${params.latenessMs} <= watermark`,

  async expected({ table, certainty }, params) {
    const assigned = `select *, ${startOf(params)} as start, start + ${params.sizeMs} as "end" from in_time`
    if (certainty === 'exact') return { rows: await table.rows(firings(assigned)) }
    if (certainty === 'loose') return { rows: [] }
    const rows = await table.rows(`
      select key, start, "end", ${CONTENT_COLUMNS}, "end" - 1
      from (${assigned}) group by key, start, "end" order by start`)
    return { rows }
  },

  justify(question, params, rows) {
    const { sizeMs, offsetMs } = params
    const startsOf = (t: number) => [Math.floor((t - offsetMs) / sizeMs) * sizeMs + offsetMs]
    return firingProblem(question, { ...params, startsOf }, rows)
  },
}

function startOf({ sizeMs, offsetMs }: Params): string {
  return `(t - (((t - ${offsetMs}) % ${sizeMs}) + ${sizeMs}) % ${sizeMs})`
}
