import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../runtime/element.ts'

/** What records are grouped into; every window has a last timestamp. */
export interface Window {
  /** The last timestamp in it, in ms since the epoch; Infinity for the window that holds all of time. */
  readonly maxTimestamp: number
}

/** A span of time, `[start, end)`, in ms since the epoch. */
export interface TimeWindow extends Window {
  readonly start: number
  /** Exclusive; `maxTimestamp` is one less. */
  readonly end: number
}

/** The one window of `globalWindows()`: all of time, with a `maxTimestamp` of Infinity. */
export type GlobalWindow = Window

/** The window of all of time. */
export const GLOBAL_WINDOW: GlobalWindow = Object.freeze({ maxTimestamp: MAX_TIMESTAMP })

/**
 * The window `[start, end)`, for assigners of one's own.
 *
 * @example
 * timeWindow(0, 3_600_000).maxTimestamp // 3_599_999
 */
export function timeWindow(start: number, end: number): TimeWindow {
  return { start, end, maxTimestamp: end - 1 }
}

export function isTimeWindow(window: Window): window is TimeWindow {
  return 'start' in window
}

/** Start of the window that holds a timestamp, among windows of one size side by side (semantics 2.1). Pure. */
export function windowStart(timestamp: number, offsetMs: number, sizeMs: number): number {
  const remainder = (timestamp - offsetMs) % sizeMs
  return remainder < 0 ? timestamp - (remainder + sizeMs) : timestamp - remainder
}

/**
 * The timestamp of what comes out of a window: its last one (semantics 2.3).
 *
 * What comes out of the window of all of time has none: Infinity is no timestamp, and an operator of event time behind it
 * then says that one is missing instead of waiting for ever.
 */
export function resultTimestamp(window: Window): number {
  return window.maxTimestamp === MAX_TIMESTAMP ? MIN_TIMESTAMP : window.maxTimestamp
}

/** A window as messages name it. */
export function windowText(window: Window): string {
  return isTimeWindow(window) ? `window [${window.start}, ${window.end})` : 'the global window'
}
