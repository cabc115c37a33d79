import type { WindowedStream } from '../../../operators/streams.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import type { Random } from '../../../runtime/clock.ts'
import type { Key } from '../../../runtime/key.ts'
import { below, pick } from '../../simulation/rows.ts'
import type { Event } from '../event.ts'
import type { OracleOperator, Question, Row, TimedEvent } from '../oracle-operator.ts'
import { randomSpan, type RandomStream } from '../random-stream.ts'
import { CONTENT_COLUMNS, type Fold, FOLDS, foldWindows } from './contents.ts'
import { SessionModel } from './session-model.ts'

interface Params {
  readonly gapMs: number
  /** The gap depends on the event. */
  readonly isDynamic: boolean
  readonly latenessMs: number
  readonly fold: Fold | 'ids'
  /** Late events are not told: then an operator of its own takes what is folded. */
  readonly isSilent: boolean
}

const LATE = outputTag<Event>('late')

/** Session windows of a fixed gap or one for each event (semantics 2.2, 2.3). */
export const sessionWindows: OracleOperator<Params> = {
  name: 'session-windows',
  inputs: 1,
  certainties: ['exact', 'exact', 'in-time', 'loose'],
  isOrdered: true,

  draw(random: Random, stream: RandomStream) {
    const { certainty, grid, unitMs } = stream
    const gapMs =
      below(random, 3) === 0
        ? randomSpan(random, stream, stream.spanMs)
        : unitMs * (1 + below(random, 30))
    return {
      // Odd where timestamps are even: whether sessions that only touch become one depends on what the watermark is by then.
      gapMs: grid === 2 ? gapMs + 1 : gapMs,
      isDynamic: below(random, 3) === 0,
      latenessMs: below(random, 2) === 0 ? randomSpan(random, stream, stream.spanMs) : 0,
      fold: certainty === 'loose' ? 'ids' : pick(random, FOLDS),
      isSilent: certainty !== 'loose' && below(random, 3) > 0,
    }
  },

  build({ first, keyOf }, params, options) {
    const windowed = first
      .keyBy(keyOf)
      .window(eventTimeSessionWindows((event: Event) => gapOf(params, event)))
      .allowedLateness(params.latenessMs) as unknown as WindowedStream<Event, Key, TimeWindow>
    if (params.isSilent) return { main: foldWindows(windowed, params.fold, options) }
    const telling = windowed.sideOutputLateData(LATE)
    return { main: foldWindows(telling, params.fold, options), late: LATE }
  },

  // Whether it is, depends on the sessions that are open.
  late: (params) => `t + ${gapColumn(params)} - 1 + ${params.latenessMs} <= watermark`,

  async expected({ table, certainty, events }, params) {
    if (certainty === 'exact') {
      const model = new SessionModel((event) => gapOf(params, event), params.latenessMs)
      for (const event of events) model.add(event)
      return model.end()
    }
    const rows = await table.rows(`
      with spans as (
        select *, t + ${gapColumn(params)} as until, max(until) over (
          partition by key order by t, id rows between unbounded preceding and 1 preceding
        ) as reached from events
      ),
      islands as (
        select *, count(*) filter (reached is null or t > reached) over (partition by key order by t, id) as island
        from spans
      )
      select key, min(t) as start, max(until) as "end", ${CONTENT_COLUMNS}, max(until) - 1
      from islands group by key, island order by start`)
    return { rows }
  },

  justify(question, params, rows) {
    return sessionProblem(question, params, rows)
  },
}

function gapOf({ gapMs, isDynamic }: Params, { n }: Event): number {
  return isDynamic ? gapMs * (1 + 2 * (Math.abs(n) % 3)) : gapMs
}

function gapColumn({ gapMs, isDynamic }: Params): string {
  return isDynamic ? `${gapMs} * (1 + 2 * (abs(n) % 3))` : String(gapMs)
}

const NOTHING: ReadonlySet<number> = new Set()

/**
 * Each event that is not late is in a session, and each session is of events that are connected by their gaps. Where one fires
 * again, it has all that it and those that it has merged with had before, and more.
 */
function sessionProblem({ events, late }: Question, params: Params, rows: readonly Row[]): string {
  const known = new Map(events.filter(({ id }) => !late.has(id)).map((event) => [event.id, event]))
  /** The last firing of each event, as the events in it. */
  const firings = new Map<number, ReadonlySet<number>>()
  for (const row of rows) {
    const [key, start, end, ids, timestamp] = row
    const shown = JSON.stringify(row)
    const content = new Set(String(ids).split(',').map(Number))
    const members: TimedEvent[] = []
    for (const id of content) {
      const event = known.get(id)
      if (event === undefined || event.keyText !== key)
        return `event ${id} does not belong into ${shown}`
      members.push(event)
    }
    const parts = new Set([...content].map((id) => firings.get(id) ?? NOTHING))
    const before = [...parts].flatMap((part) => [...part])
    if (before.length > 0 && params.latenessMs === 0) return `${shown} fires again`
    if (!before.every((id) => content.has(id)))
      return `${shown} has lost events that were in it before`
    if (before.length === content.size) return `${shown} fires again for no event`
    for (const id of content) firings.set(id, content)
    members.sort((a, b) => a.t - b.t)
    let until = members[0]!.t
    if (until !== start) return `${shown} does not begin with its first event`
    for (const event of members) {
      if (event.t > until) return `${shown} goes on over a gap before event ${event.id}`
      until = Math.max(until, event.t + gapOf(params, event))
    }
    if (until !== end || timestamp !== until - 1) return `${shown} does not end where its events do`
  }
  const missing = [...known.keys()].filter((id) => !firings.has(id))
  return missing.length === 0
    ? ''
    : `${missing.length} events are in no session, the first is ${missing[0]}`
}
