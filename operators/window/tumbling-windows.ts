import { type Duration, parseSignedDuration } from '../../runtime/duration.ts'
import { StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { eventTimeTrigger, processingTimeTrigger } from './time-triggers.ts'
import { type TimeWindow, timeWindow, windowStart } from './time-window.ts'
import type { AnyTrigger } from './trigger.ts'
import { type AssignerContext, requireTimestamp, type WindowAssigner } from './window-assigner.ts'
import { checkOffset, positiveDuration } from './window-options.ts'

/**
 * Where the windows of a subtask lie: `aligned` to the epoch, by `random` anywhere, or `natural`: they begin with the clock's
 * time at the first record. All windows of a job at one moment is much work at once; staggered, each subtask has its own.
 */
export type WindowStagger = 'aligned' | 'random' | 'natural'

const STAGGERS: readonly unknown[] = ['aligned', 'random', 'natural'] satisfies WindowStagger[]

/** Options of tumbling windows. */
export interface TumblingWindowOptions {
  /** Moves the start of all windows, by less than their size either way: `'-8h'`. They start at the epoch plus this. Default 0. */
  readonly offset?: Duration
  /** Default `'aligned'`. What a subtask has drawn is part of the checkpoint; at another parallelism all draw anew. */
  readonly stagger?: WindowStagger
}

const TUMBLING: OptionNames<TumblingWindowOptions> = { offset: true, stagger: true }

/**
 * Windows of one size, side by side: each record is in exactly one, by its timestamp.
 *
 * Fails with `MR_OPTION_INVALID` unless the size is above 0 and the offset below the size.
 *
 * @example
 * orders.keyBy((order) => order.shop).window(tumblingEventTimeWindows('1h'))
 */
export function tumblingEventTimeWindows(
  size: Duration,
  options: TumblingWindowOptions = {},
): WindowAssigner<unknown, TimeWindow, false> {
  return new TumblingWindows('tumblingEventTimeWindows', true, size, options)
}

/**
 * As `tumblingEventTimeWindows`, by the clock's time at which a record is processed. What is in which window differs from run
 * to run, and records processed again after a crash may come into later windows.
 *
 * @example
 * orders.keyBy((order) => order.shop).window(tumblingProcessingTimeWindows('10s'))
 */
export function tumblingProcessingTimeWindows(
  size: Duration,
  options: TumblingWindowOptions = {},
): WindowAssigner<unknown, TimeWindow, false> {
  return new TumblingWindows('tumblingProcessingTimeWindows', false, size, options)
}

/** The assigner behind both. */
export class TumblingWindows implements WindowAssigner<unknown, TimeWindow, false> {
  readonly name: string
  readonly isEventTime: boolean
  readonly isMerging = false
  readonly sizeMs: number
  readonly offsetMs: number
  readonly stagger: WindowStagger
  readonly keepsNumber: boolean

  constructor(what: string, isEventTime: boolean, size: Duration, options: TumblingWindowOptions) {
    checkOptionNames(options, TUMBLING, `${what}()`)
    const { offset = 0, stagger = 'aligned' } = options
    this.sizeMs = positiveDuration(size, `The size of ${what}`)
    this.offsetMs = parseSignedDuration(offset, `The offset of ${what}`)
    checkOffset(this.offsetMs, this.sizeMs, what)
    if (!STAGGERS.includes(stagger)) throw unknownStagger(what, stagger)
    this.isEventTime = isEventTime
    this.name = isEventTime ? `tumbling-${this.sizeMs}` : `tumbling-processing-${this.sizeMs}`
    this.stagger = stagger
    this.keepsNumber = stagger !== 'aligned'
  }

  assignWindows(_value: unknown, timestamp: number, context: AssignerContext): TimeWindow[] {
    if (this.isEventTime) requireTimestamp(timestamp)
    const { sizeMs } = this
    const time = this.isEventTime ? timestamp : context.currentProcessingTime
    const start = windowStart(time, this.#effectiveOffset(context), sizeMs)
    return [timeWindow(start, start + sizeMs)]
  }

  #effectiveOffset(context: AssignerContext): number {
    if (this.stagger === 'aligned') return this.offsetMs
    context.kept ??= this.#draw(context)
    return (this.offsetMs + context.kept) % this.sizeMs
  }

  #draw({ currentProcessingTime, random }: AssignerContext): number {
    const { sizeMs } = this
    if (this.stagger === 'random') return Math.floor(random.next() * sizeMs)
    return Math.max(0, currentProcessingTime - windowStart(currentProcessingTime, 0, sizeMs))
  }

  defaultTrigger(): AnyTrigger {
    return this.isEventTime ? eventTimeTrigger() : processingTimeTrigger()
  }
}

function unknownStagger(what: string, stagger: unknown): StreamError {
  return new StreamError(
    'MR_OPTION_INVALID',
    `${what} has the stagger ${JSON.stringify(stagger)}; it does not say where windows begin; set "aligned", "random" or "natural".`,
    { stagger },
  )
}
