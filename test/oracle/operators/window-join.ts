import type { Out } from '../../../operators/collector.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { DataStream, StatefulOptions } from '../../../operators/streams.ts'
import type { JoinRecord } from '../../../operators/window/join-function.ts'
import { slidingEventTimeWindows } from '../../../operators/window/sliding-windows.ts'
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import type { Random } from '../../../runtime/clock.ts'
import type { Key } from '../../../runtime/key.ts'
import type { OutputTag } from '../../../runtime/operator.ts'
import { below, pick } from '../../simulation/rows.ts'
import { type Event, keyText } from '../event.ts'
import type { LateRecord, OracleOperator, Row, TimedEvent } from '../oracle-operator.ts'
import { randomSpan, type RandomStream } from '../random-stream.ts'

const KINDS = ['join', 'leftOuterJoin', 'coGroup'] as const

interface Params {
  readonly kind: (typeof KINDS)[number]
  readonly sizeMs: number
  /** The size for tumbling windows. */
  readonly slideMs: number
  readonly latenessMs: number
}

/** Most events that a window may fire again for: each time all pairs come again. */
const MAX_LATE = 60

const LATE = outputTag<JoinRecord<Event, Event>>('late')

/** Two streams joined or grouped within windows (semantics 1.3, 2.3). */
export const windowJoin: OracleOperator<Params> = {
  name: 'window-join',
  inputs: 2,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: false,
  maxEvents: 400,

  draw(random: Random, stream: RandomStream) {
    const { certainty, splits, spanMs } = stream
    const events = splits.flat().length
    const slideMs = randomSpan(random, stream, spanMs)
    // Where threads decide what is late, an event must be so for all of its windows or none.
    const windows = certainty === 'loose' ? 1 : pick(random, [1, 2, 3])
    return {
      kind: pick(random, KINDS),
      sizeMs: windows * slideMs,
      slideMs,
      latenessMs:
        certainty !== 'loose' && events <= MAX_LATE && below(random, 2) === 0
          ? randomSpan(random, stream, spanMs)
          : 0,
    }
  },

  build({ first, second, keyOf }, params, options) {
    return {
      main: joined(first, second, keyOf, params, options),
      late: LATE as OutputTag<LateRecord>,
    }
  },

  // Late for its last window.
  late: (params) =>
    `${lastStart(params)} + ${params.sizeMs} - 1 + ${params.latenessMs} <= watermark`,

  async expected({ events, late, certainty }, params) {
    const rows: Row[] = []
    for (const { start, content } of windowsOf(events, late, certainty === 'exact', params)) {
      const isLate = (event: TimedEvent): boolean =>
        certainty === 'exact' && event.watermark >= start + params.sizeMs - 1
      const first = content.findIndex(isLate)
      // Once when its time comes, then for each event that comes after that.
      const firings =
        first === -1 ? [content.length] : content.flatMap((_, at) => (at >= first ? [at + 1] : []))
      if (first > 0) firings.push(first)
      for (const count of firings) rows.push(...rowsOf(content.slice(0, count), start, params))
    }
    return { rows }
  },
}

function joined(
  first: DataStream<Event>,
  second: DataStream<Event>,
  keyOf: (event: Event) => Key,
  { kind, sizeMs, slideMs, latenessMs }: Params,
  options: StatefulOptions,
): DataStream<Row> {
  const windows =
    sizeMs === slideMs ? tumblingEventTimeWindows(sizeMs) : slidingEventTimeWindows(sizeMs, slideMs)
  if (kind === 'coGroup') {
    return first
      .coGroup(second)
      .where(keyOf)
      .equalTo(keyOf)
      .window(windows)
      .allowedLateness(latenessMs)
      .sideOutputLateData(LATE)
      .apply((lefts, rights, ctx, out: Out<Row>) => {
        out.emit([keyText(ctx.key), ctx.window.start, idsOf(lefts), idsOf(rights)])
      }, options)
  }
  if (kind === 'leftOuterJoin') {
    return first
      .leftOuterJoin(second)
      .where(keyOf)
      .equalTo(keyOf)
      .window(windows)
      .allowedLateness(latenessMs)
      .sideOutputLateData(LATE)
      .apply(
        (left, right, ctx): Row => [keyText(ctx.key), ctx.window.start, left.id, right?.id ?? null],
        options,
      )
  }
  return first
    .join(second)
    .where(keyOf)
    .equalTo(keyOf)
    .window(windows)
    .allowedLateness(latenessMs)
    .sideOutputLateData(LATE)
    .apply(
      (left, right, ctx): Row => [keyText(ctx.key), ctx.window.start, left.id, right.id],
      options,
    )
}

/** Sorted: of two sources, the order of arrival is not known. */
function idsOf(events: readonly Event[]): string {
  return events
    .map(({ id }) => id)
    .sort((a, b) => a - b)
    .join()
}

function lastStart({ slideMs }: Params): string {
  return `(floor(t::double / ${slideMs})::bigint * ${slideMs})`
}

interface Content {
  readonly start: number
  /** What came while the window was there, in the order of its split. */
  readonly content: readonly TimedEvent[]
}

function windowsOf(
  events: readonly TimedEvent[],
  late: ReadonlySet<number>,
  isExact: boolean,
  { sizeMs, slideMs, latenessMs }: Params,
): Iterable<Content> {
  const windows = new Map<string, { start: number; content: TimedEvent[] }>()
  for (const event of events) {
    if (late.has(event.id)) continue
    const { t, watermark, keyText } = event
    for (let start = Math.floor(t / slideMs) * slideMs; start > t - sizeMs; start -= slideMs) {
      if (isExact && start + sizeMs - 1 + latenessMs <= watermark) continue
      const place = `${keyText} ${start}`
      const window = windows.get(place) ?? { start, content: [] }
      windows.set(place, window)
      window.content.push(event)
    }
  }
  return windows.values()
}

/** What a window puts out when it fires with these events. */
function rowsOf(
  events: readonly TimedEvent[],
  start: number,
  { kind, sizeMs }: Params,
): readonly Row[] {
  const key = events[0]!.keyText
  const timestamp = start + sizeMs - 1
  const lefts = events.filter(({ side }) => side === 0)
  const rights = events.filter(({ side }) => side === 1)
  if (kind === 'coGroup') return [[key, start, idsOf(lefts), idsOf(rights), timestamp]]
  const partners = kind === 'leftOuterJoin' && rights.length === 0 ? [{ id: null }] : rights
  return lefts.flatMap((left) =>
    partners.map((right): Row => [key, start, left.id, right.id, timestamp]),
  )
}
