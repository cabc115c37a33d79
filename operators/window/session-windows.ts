import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { StreamError } from '../../runtime/errors.ts'
import { cannotMerge } from './check-window.ts'
import { eventTimeTrigger, processingTimeTrigger } from './time-triggers.ts'
import { type TimeWindow, timeWindow } from './time-window.ts'
import type { AnyTrigger } from './trigger.ts'
import { type AssignerContext, requireTimestamp, type WindowAssigner } from './window-assigner.ts'
import { positiveDuration } from './window-options.ts'

/** How long a session stays open after a record: the same for all, or one for each record. */
export type SessionGap<T> = Duration | ((value: T) => Duration)

/**
 * Windows that last as long as records of the key keep coming: each record opens `[timestamp, timestamp + gap)`, and windows
 * that meet or touch become one (semantics 2.2).
 *
 * A record costs O(log open sessions of its key). `aggregate` needs `merge`, and a trigger `onMerge`. Fails with
 * `MR_OPTION_INVALID` unless the gap is above 0; a function of the record that returns no such gap fails its record.
 *
 * @example
 * clicks.keyBy((click) => click.user).window(eventTimeSessionWindows('30m'))
 */
export function eventTimeSessionWindows<T = unknown>(
  gap: SessionGap<T>,
): WindowAssigner<T, TimeWindow, true> {
  return new SessionWindows('eventTimeSessionWindows', true, gap)
}

/**
 * As `eventTimeSessionWindows`, by the clock's time at which a record is processed.
 *
 * @example
 * clicks.keyBy((click) => click.user).window(processingTimeSessionWindows('30s'))
 */
export function processingTimeSessionWindows<T = unknown>(
  gap: SessionGap<T>,
): WindowAssigner<T, TimeWindow, true> {
  return new SessionWindows('processingTimeSessionWindows', false, gap)
}

/** Sessions, by event time or by the clock. */
export class SessionWindows<T> implements WindowAssigner<T, TimeWindow, true> {
  readonly name: string
  readonly isEventTime: boolean
  readonly isMerging = true
  readonly #what: string
  readonly #gapMs: number
  readonly #gapOf: ((value: T) => Duration) | undefined

  constructor(what: string, isEventTime: boolean, gap: SessionGap<T>) {
    this.#what = `The gap of ${what}`
    this.#gapOf = typeof gap === 'function' ? gap : undefined
    this.#gapMs = typeof gap === 'function' ? NaN : positiveDuration(gap, this.#what)
    this.isEventTime = isEventTime
    // Open sessions go on with another gap: each knows its own end.
    this.name = isEventTime ? 'session' : 'session-processing'
  }

  assignWindows(value: T, timestamp: number, context: AssignerContext): TimeWindow[] {
    if (this.isEventTime) requireTimestamp(timestamp)
    const start = this.isEventTime ? timestamp : context.currentProcessingTime
    return [timeWindow(start, start + this.#gapFor(value))]
  }

  /** The end of the session that a record opens by event time; its start is the timestamp. */
  endOf(value: T, timestamp: number): number {
    requireTimestamp(timestamp)
    const end = timestamp + this.#gapFor(value)
    if (!Number.isSafeInteger(end)) throw cannotMerge(timeWindow(timestamp, end))
    return end
  }

  #gapFor(value: T): number {
    if (this.#gapOf === undefined) return this.#gapMs
    const gap = this.#gapOf(value)
    const ms = typeof gap === 'number' ? gap : parseDuration(gap, this.#what)
    if (Number.isSafeInteger(ms) && ms > 0) return ms
    throw new StreamError(
      'MR_WINDOW_INVALID',
      `the gap function of the session windows returned ${String(gap)} (${typeof gap}); the record opens no window; return a duration of at least 1 ms.`,
      { gap },
    )
  }

  defaultTrigger(): AnyTrigger {
    return this.isEventTime ? eventTimeTrigger() : processingTimeTrigger()
  }
}
