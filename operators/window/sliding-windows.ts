import { type Duration, parseSignedDuration } from '../../runtime/duration.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { eventTimeTrigger, processingTimeTrigger } from './time-triggers.ts'
import { type TimeWindow, timeWindow, windowStart } from './time-window.ts'
import type { AnyTrigger } from './trigger.ts'
import { type AssignerContext, requireTimestamp, type WindowAssigner } from './window-assigner.ts'
import { checkOffset, positiveDuration } from './window-options.ts'

/** Options of sliding windows. */
export interface SlidingWindowOptions {
  /** Moves the start of all windows, by less than the slide either way: `'-8h'`. They start at the epoch plus this. Default 0. */
  readonly offset?: Duration
}

const SLIDING: OptionNames<SlidingWindowOptions> = { offset: true }

/**
 * Windows of one size, one beginning every `slide`: a record is in `size / slide` of them, by its timestamp. With a slide
 * above the size there are gaps, and records in them go nowhere.
 *
 * With `reduce`, or an `aggregate` that has `merge`, a record costs the same however many windows it is in: what lies between
 * two borders of windows is kept once (panes), if neither trigger, evictor, late side output nor late firing is set.
 * Fails with `MR_OPTION_INVALID` unless size and slide are above 0 and the offset is below the slide.
 *
 * @example
 * orders.keyBy((order) => order.shop).window(slidingEventTimeWindows('1h', '5m'))
 */
export function slidingEventTimeWindows(
  size: Duration,
  slide: Duration,
  options: SlidingWindowOptions = {},
): WindowAssigner<unknown, TimeWindow, false> {
  return new SlidingWindows('slidingEventTimeWindows', true, { size, slide }, options)
}

/**
 * As `slidingEventTimeWindows`, by the clock's time at which a record is processed.
 *
 * @example
 * orders.keyBy((order) => order.shop).window(slidingProcessingTimeWindows('1m', '10s'))
 */
export function slidingProcessingTimeWindows(
  size: Duration,
  slide: Duration,
  options: SlidingWindowOptions = {},
): WindowAssigner<unknown, TimeWindow, false> {
  return new SlidingWindows('slidingProcessingTimeWindows', false, { size, slide }, options)
}

/** The assigner behind both. */
export class SlidingWindows implements WindowAssigner<unknown, TimeWindow, false> {
  readonly name: string
  readonly isEventTime: boolean
  readonly isMerging = false
  readonly sizeMs: number
  readonly slideMs: number
  readonly offsetMs: number

  constructor(
    what: string,
    isEventTime: boolean,
    { size, slide }: { readonly size: Duration; readonly slide: Duration },
    options: SlidingWindowOptions,
  ) {
    checkOptionNames(options, SLIDING, `${what}()`)
    this.sizeMs = positiveDuration(size, `The size of ${what}`)
    this.slideMs = positiveDuration(slide, `The slide of ${what}`)
    this.offsetMs = parseSignedDuration(options.offset ?? 0, `The offset of ${what}`)
    checkOffset(this.offsetMs, this.slideMs, what)
    this.isEventTime = isEventTime
    // Windows of one size that begin at one time are the same, whatever the slide.
    this.name = isEventTime ? `sliding-${this.sizeMs}` : `sliding-processing-${this.sizeMs}`
  }

  /** In descending order of their starts. */
  assignWindows(_value: unknown, timestamp: number, context: AssignerContext): TimeWindow[] {
    if (this.isEventTime) requireTimestamp(timestamp)
    const { sizeMs, slideMs } = this
    const time = this.isEventTime ? timestamp : context.currentProcessingTime
    const windows: TimeWindow[] = []
    let start = windowStart(time, this.offsetMs, slideMs)
    for (; start > time - sizeMs; start -= slideMs) windows.push(timeWindow(start, start + sizeMs))
    return windows
  }

  defaultTrigger(): AnyTrigger {
    return this.isEventTime ? eventTimeTrigger() : processingTimeTrigger()
  }
}
