import type { Duration } from '../../runtime/duration.ts'
import { MIN_TIMESTAMP } from '../../runtime/element.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { checkMethods } from '../function.ts'
import { checkThreshold, type DeltaFunction } from './delta-trigger.ts'
import type { Window } from './time-window.ts'
import { positiveCount, positiveDuration } from './window-options.ts'

/** A record in a window; a timestamp of -Infinity is none. */
export interface WindowElement<T> {
  readonly value: T
  readonly timestamp: number
}

/**
 * Drops records from a window around the call of its function. Built-in ones are made by functions such as `countEvictor`; any
 * object of this form will do.
 *
 * With an evictor a window keeps all its records, in the order in which they came; what is dropped is gone for good.
 */
export interface Evictor<T = unknown, W extends Window = Window> {
  /** Called when the window fires, before its function: returns the records that stay. Default: all. */
  evictBefore?<E extends WindowElement<T>>(elements: readonly E[], window: W): readonly E[]
  /** The same after the function; it is not called for a window with nothing left in it. */
  evictAfter?<E extends WindowElement<T>>(elements: readonly E[], window: W): readonly E[]
}

/** Options of built-in evictors. */
export interface EvictorOptions {
  /** Whether records are dropped after the function of the window has seen them. Default false: before. */
  readonly after?: boolean
}

const EVICTOR: OptionNames<EvictorOptions> = { after: true }

/**
 * Keeps the last so many records of a window.
 *
 * @example
 * keyed.window(globalWindows()).trigger(countTrigger(1)).evictor(countEvictor(100))
 */
export function countEvictor(count: number, options: EvictorOptions = {}): Evictor {
  const kept = positiveCount(count, 'The count of countEvictor')
  return evictor('countEvictor', (elements) => elements.slice(-kept), options)
}

/**
 * Keeps the records whose timestamps are less than a span before the highest one in the window; all of them if the first has
 * no timestamp (semantics 2.4).
 *
 * @example
 * keyed.window(globalWindows()).trigger(countTrigger(1)).evictor(timeEvictor('5m'))
 */
export function timeEvictor(span: Duration, options: EvictorOptions = {}): Evictor {
  const spanMs = positiveDuration(span, 'The span of timeEvictor')
  const evict: Evict<unknown> = (elements) => {
    if (elements[0]?.timestamp === MIN_TIMESTAMP) return elements
    let highest = MIN_TIMESTAMP
    for (const { timestamp } of elements) highest = Math.max(highest, timestamp)
    return elements.filter(({ timestamp }) => timestamp > highest - spanMs)
  }
  return evictor('timeEvictor', evict, options)
}

/**
 * Keeps the records that are less than a threshold from the last one of the window (semantics 2.4).
 *
 * @example
 * keyed.window(globalWindows()).trigger(countTrigger(1)).evictor(deltaEvictor(10, (a: number, b: number) => b - a))
 */
export function deltaEvictor<T>(
  threshold: number,
  delta: DeltaFunction<T>,
  options: EvictorOptions = {},
): Evictor<T> {
  checkThreshold(threshold, 'deltaEvictor')
  checkMethods({ delta }, ['delta'], 'deltaEvictor')
  const evict: Evict<T> = (elements) => {
    const last = elements.at(-1)!
    return elements.filter(({ value }) => !(delta(value, last.value) >= threshold))
  }
  return evictor('deltaEvictor', evict, options)
}

type Evict<T> = <E extends WindowElement<T>>(elements: readonly E[]) => readonly E[]

function evictor<T>(what: string, evict: Evict<T>, options: EvictorOptions): Evictor<T> {
  checkOptionNames(options, EVICTOR, `${what}()`)
  const { after = false } = options
  return after ? { evictAfter: evict } : { evictBefore: evict }
}
