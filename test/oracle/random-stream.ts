import type { Random } from '../../runtime/clock.ts'
import { below, pick } from '../simulation/rows.ts'
import type { Event } from './event.ts'

/**
 * How much is known of the lateness of events (R41).
 *
 * `exact`: one split, whose events carry the watermarks, so that the watermark before each event is known. `in-time`: no
 * event is late, whatever the threads do. `loose`: several splits whose watermarks overtake events, so that an event that is
 * below the watermark of its own split is late or not as the others happen to run.
 */
export type Certainty = 'exact' | 'in-time' | 'loose'

export interface RandomStream {
  readonly certainty: Certainty
  readonly splits: readonly (readonly Event[])[]
  /** How far events of a split are out of order, for a watermark strategy by that bound; undefined: events carry marks. */
  readonly boundMs: number | undefined
  /** Time between the first and the last event. */
  readonly spanMs: number
  /** All timestamps are multiples of this, and all marks one off; 2 where ties of both would decide. */
  readonly grid: 1 | 2
  /** Timestamps, and the ends that marks stand for, are multiples of this: sizes that are too make bounds be met exactly. */
  readonly unitMs: number
}

export interface StreamOptions {
  readonly certainty: Certainty
  /** All events of a key are in one split, so that their order is defined (R10). */
  readonly keysStay: boolean
  /** Size of the largest stream. */
  readonly maxEvents: number
}

/** Uniform in its logarithm: a whole number from `least` to `most`. */
export function logUniform(random: Random, least: number, most: number): number {
  if (most <= least) return least
  return Math.min(most, Math.floor(least * ((most + 1) / least) ** random.next()))
}

/** What the events of a stream have in common. */
interface Style {
  readonly keys: number
  readonly skew: number
  readonly stepMs: number
  readonly disorderMs: number
  readonly startAt: number
  readonly markShare: number
  readonly jumpShare: number
  readonly unitMs: number
}

const START_TIMES = [1_700_000_000_000, 1_700_000_000_000, 0, -60_000]

/** Draws events that are keyed, skewed, out of order and at equal times, with watermarks among them. */
export function randomStream(random: Random, options: StreamOptions): RandomStream {
  const { certainty, keysStay, maxEvents } = options
  const count = logUniform(random, 1, maxEvents)
  const splitCount = certainty === 'exact' ? 1 : 1 + below(random, 4)
  const hasMarks = certainty !== 'in-time' || random.next() < 0.6
  const stepMs = pick(random, count <= 200 ? [0, 1, 3, 20, 300] : [1, 3, 20, 300])
  const unitMs =
    certainty === 'exact'
      ? pick(random, [1, 2, 5 * Math.max(1, stepMs), 20 * Math.max(1, stepMs)])
      : 1
  const style: Style = {
    keys: pick(random, [1, 2, 3, 5, 12, 1 + Math.floor(count / 3), count]),
    skew: pick(random, [1, 1, 3]),
    stepMs,
    disorderMs:
      Math.max(stepMs, 1) *
      pick(random, certainty === 'exact' ? [0, 2, 10, 10, 100] : [0, 0, 2, 10, 100]),
    startAt: pick(random, START_TIMES),
    markShare: pick(random, [0.02, 0.2, 1]),
    jumpShare: pick(random, [0, 0, 0.01]),
    unitMs,
  }
  const grid = certainty === 'exact' ? 1 : 2
  const splits = Array.from({ length: splitCount }, (_, split) => {
    const share =
      Math.floor(((split + 1) * count) / splitCount) - Math.floor((split * count) / splitCount)
    const bare = randomEvents(random, style, share, (key) =>
      keysStay ? key * splitCount + split : key,
    )
    const marked = !hasMarks
      ? bare
      : certainty === 'in-time'
        ? markInTime(random, style, bare)
        : markAtRandom(random, style, bare)
    return marked.map((event, index) => ({
      ...event,
      id: index * splitCount + split,
      t: event.t * grid,
      mark: event.mark === null ? null : event.mark * grid + (grid - 1),
    }))
  })
  const times = splits.flat().map(({ t }) => t)
  return {
    certainty,
    splits,
    boundMs: hasMarks ? undefined : style.disorderMs * grid,
    spanMs:
      times.reduce((most, t) => Math.max(most, t), times[0]!) -
      times.reduce((least, t) => Math.min(least, t), times[0]!),
    grid,
    unitMs: grid * unitMs,
  }
}

function randomEvents(
  random: Random,
  style: Style,
  count: number,
  keyOf: (key: number) => number,
): Event[] {
  const { keys, skew, stepMs, disorderMs, startAt, jumpShare, unitMs } = style
  let clock = startAt
  return Array.from({ length: count }, (): Event => {
    clock += below(random, 2 * stepMs + 1)
    if (random.next() < jumpShare) clock += 50 * stepMs
    return {
      id: 0,
      side: random.next() < 0.5 ? 0 : 1,
      key: keyOf(Math.floor(keys * random.next() ** skew)),
      n: below(random, 100) - 20,
      t: floorTo(clock - below(random, disorderMs + 1), unitMs),
      mark: null,
    }
  })
}

/** Watermarks that no later event of the split is at or below. */
function markInTime(
  random: Random,
  { markShare, stepMs }: Style,
  events: readonly Event[],
): Event[] {
  let earliest = Infinity
  const marked: Event[] = []
  for (const event of [...events].reverse()) {
    const hasMark = earliest < Infinity && random.next() < markShare
    marked.push({ ...event, mark: hasMark ? earliest - 1 - below(random, stepMs + 1) : null })
    earliest = Math.min(earliest, event.t)
  }
  return marked.reverse()
}

/** Watermarks that lag behind the highest timestamp by less than the disorder now and then, or run ahead. */
function markAtRandom(random: Random, style: Style, events: readonly Event[]): Event[] {
  const { markShare, stepMs, disorderMs, unitMs } = style
  const lag = Math.floor(disorderMs * pick(random, [0, 0.25, 0.5, 1]))
  let highest = -Infinity
  return events.map((event) => {
    highest = Math.max(highest, event.t)
    if (random.next() >= markShare) return event
    const isAhead = random.next() < 0.02
    const mark = isAhead
      ? highest + below(random, 10 * stepMs + 2)
      : highest - lag - below(random, 3)
    return { ...event, mark: unitMs === 1 ? mark : floorTo(mark, unitMs) - below(random, 2) }
  })
}

function floorTo(t: number, unitMs: number): number {
  return Math.floor(t / unitMs) * unitMs
}

/** A span of time for a stream, a multiple of its unit: small ones are as likely as large ones. */
export function randomSpan(random: Random, { unitMs }: RandomStream, mostMs: number): number {
  return unitMs * logUniform(random, 1, Math.max(10, Math.floor(mostMs / unitMs)))
}

/** An offset of windows, a multiple of the stream's unit; less than their size either way. */
export function randomOffset(random: Random, { unitMs }: RandomStream, sizeMs: number): number {
  const most = Math.ceil(sizeMs / unitMs) - 1
  return unitMs * (below(random, 2 * most + 1) - most)
}
