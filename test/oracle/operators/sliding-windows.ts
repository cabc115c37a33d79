import { outputTag } from '../../../operators/output-tag.ts'
import { slidingEventTimeWindows } from '../../../operators/window/sliding-windows.ts'
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
  readonly slideMs: number
  readonly offsetMs: number
  readonly latenessMs: number
  readonly fold: Fold | 'ids' | 'sorted-ids'
  /** Late events are dropped without a word; windows may then share their panes. */
  readonly isSilent: boolean
}

/** Most windows that an event is in. */
const MAX_WINDOWS = 12

const LATE = outputTag<Event>('late')

/** Sliding windows, overlapping or with gaps; an event may be too late for some of its windows only (semantics 2.1, 2.3). */
export const slidingWindows: OracleOperator<Params> = {
  name: 'sliding-windows',
  inputs: 1,
  certainties: ['exact', 'exact', 'in-time', 'loose'],
  isOrdered: true,

  draw(random: Random, stream: RandomStream) {
    const slideMs = randomSpan(random, stream, stream.spanMs)
    const windows = 1 + below(random, MAX_WINDOWS)
    const sizeMs = pick(random, [
      slideMs * windows,
      slideMs * windows - below(random, slideMs),
      Math.ceil(slideMs / 2),
    ])
    return {
      sizeMs,
      slideMs,
      offsetMs: below(random, 3) === 0 ? randomOffset(random, stream, slideMs) : 0,
      latenessMs: below(random, 2) === 0 ? randomSpan(random, stream, stream.spanMs) : 0,
      fold: pick(random, stream.certainty === 'loose' ? LOOSE_FOLDS : FOLDS),
      isSilent: below(random, 3) > 0,
    }
  },

  build({ first, keyOf }, { sizeMs, slideMs, offsetMs, latenessMs, fold, isSilent }, options) {
    const windowed = first
      .keyBy(keyOf)
      .window(slidingEventTimeWindows(sizeMs, slideMs, { offset: offsetMs }))
      .allowedLateness(latenessMs)
    if (isSilent) return { main: foldWindows(windowed, fold, options) }
    return { main: foldWindows(windowed.sideOutputLateData(LATE), fold, options), late: LATE }
  },

  // Late for its last window, or in none.
  late(params) {
    const last = lastStart(params)
    const end = `if(${last} + ${params.sizeMs} > t, ${last} + ${params.sizeMs} - 1, t)`
    return `${end} + ${params.latenessMs} <= watermark`
  },

  async expected({ table, certainty }, params) {
    const { sizeMs, slideMs, latenessMs } = params
    const assigned = `
      select *, ${lastStart(params)} - number * ${slideMs} as start, start + ${sizeMs} as "end"
      from events, range(${Math.ceil(sizeMs / slideMs)}) numbers(number)
      where start > t - ${sizeMs} and "end" - 1 + ${latenessMs} > watermark`
    if (certainty === 'exact') return { rows: await table.rows(firings(assigned)) }
    if (certainty === 'loose') return { rows: [] }
    const rows = await table.rows(`
      select key, start, "end", ${CONTENT_COLUMNS}, "end" - 1
      from (${assigned}) group by key, start, "end" order by start`)
    return { rows }
  },

  justify: (question, params, rows) =>
    firingProblem(question, { ...params, startsOf: (t) => startsOf(params, t) }, rows),
}

function startsOf({ sizeMs, slideMs, offsetMs }: Params, t: number): readonly number[] {
  const starts: number[] = []
  const last = Math.floor((t - offsetMs) / slideMs) * slideMs + offsetMs
  for (let start = last; start > t - sizeMs; start -= slideMs) starts.push(start)
  return starts
}

/** Start of the last window that begins at or before the event. */
function lastStart({ slideMs, offsetMs }: Params): string {
  return `(t - (((t - ${offsetMs}) % ${slideMs}) + ${slideMs}) % ${slideMs})`
}
