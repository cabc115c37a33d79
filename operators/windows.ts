import { type Duration, parseDuration } from '../runtime/duration.ts'
import { StreamError } from '../runtime/errors.ts'

/** A span of event time, `[start, end)`, in ms since the epoch. */
export interface TimeWindow {
  readonly start: number
  /** Exclusive. */
  readonly end: number
  /** `end - 1`: the last timestamp in it, and the one that its results get. */
  readonly maxTimestamp: number
}

/** Windows of one size, side by side: each record is in exactly one. Made by `tumblingEventTimeWindows`. */
export interface TumblingEventTimeWindows {
  readonly kind: 'tumbling-event-time'
  readonly sizeMs: number
  readonly offsetMs: number
}

/** How records are assigned to windows. */
export type WindowAssigner = TumblingEventTimeWindows

/** Options of `tumblingEventTimeWindows`. */
export interface TumblingWindowOptions {
  /** Moves the start of all windows, by less than their size either way; they start at the epoch plus this. Default 0. */
  readonly offset?: Duration
}

/**
 * Windows of one size, aligned to the epoch.
 *
 * Fails with `MR_OPTION_INVALID` unless the size is above 0 and the offset below the size.
 *
 * @example
 * orders.keyBy((order) => order.shop).window(tumblingEventTimeWindows('1h'))
 */
export function tumblingEventTimeWindows(
  size: Duration,
  options: TumblingWindowOptions = {},
): TumblingEventTimeWindows {
  const sizeMs = parseDuration(size, 'The size of tumblingEventTimeWindows')
  const offsetMs = signedDuration(options.offset ?? 0)
  if (!(sizeMs > 0) || !(Math.abs(offsetMs) < sizeMs)) {
    throw new StreamError(
      'MR_OPTION_INVALID',
      `tumblingEventTimeWindows has a size of ${sizeMs} ms and an offset of ${offsetMs} ms; records cannot be assigned to such windows; set a size above 0, and an offset below the size.`,
      { sizeMs, offsetMs },
    )
  }
  return { kind: 'tumbling-event-time', sizeMs, offsetMs }
}

function signedDuration(offset: Duration): number {
  const what = 'The offset of tumblingEventTimeWindows'
  return typeof offset === 'number' && offset < 0
    ? -parseDuration(-offset, what)
    : parseDuration(offset, what)
}

/** Start of the window that holds a timestamp (semantics 2.1). Pure. */
export function windowStart(timestamp: number, offsetMs: number, sizeMs: number): number {
  const remainder = (timestamp - offsetMs) % sizeMs
  return remainder < 0 ? timestamp - (remainder + sizeMs) : timestamp - remainder
}
