import { MAX_TIMESTAMP } from '../../runtime/element.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { refusePromise } from '../synchronous.ts'
import { isTimeWindow, type Window, windowText } from './time-window.ts'

/*
 * What assigners of one's own may give. Windows are found again by their start and end, or by their start alone where all have
 * one size: others would never fire, and what is in them would be lost.
 */

/** Fails with `MR_WINDOW_INVALID` for what is no list of windows. */
export function checkWindows(given: unknown): asserts given is readonly Window[] {
  if (Array.isArray(given)) return
  refusePromise(given, 'assignWindows of the assigner')
  throw invalid(given, 'is no list of windows', 'an array of windows, empty if it is in none')
}

/** Fails with `MR_WINDOW_INVALID` unless a window is a span, of a size if one is given, or all of time. */
export function checkWindow(window: Window, sizeMs: number | undefined): void {
  if (typeof window !== 'object' || window === null || !isTimeWindow(window)) {
    if (sizeMs === undefined && (window as Window | undefined)?.maxTimestamp === MAX_TIMESTAMP)
      return
    throw invalid(window, 'is no window', 'windows as timeWindow(start, end) makes them')
  }
  const { start, end } = window
  if (!isSpan(window)) {
    throw invalid(
      window,
      'is no span of time',
      'windows of whole milliseconds that end after they start, as timeWindow(start, end) makes them',
    )
  }
  if (sizeMs === undefined || end - start === sizeMs) return
  throw invalid(
    window,
    `is not ${sizeMs} ms long, as its sizeMs says`,
    'windows of that size, or leave sizeMs out',
  )
}

/** Whether a window is a span of whole milliseconds with something in it. */
export function isSpan({ start, end }: { readonly start: number; readonly end: number }): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start < end
}

/** What to fail with where a window is no span, and would have to merge with others. */
export function cannotMerge(window: Window): StreamError {
  return new StreamError(
    'MR_WINDOW_INVALID',
    `the assigner gave the record ${windowText(window)}; such a window cannot merge with others; give windows of whole milliseconds that end after they start, as timeWindow(start, end) makes them.`,
  )
}

function invalid(given: unknown, problem: string, wanted: string): StreamError {
  const isWindow = typeof given === 'object' && given !== null && 'maxTimestamp' in given
  const shown = isWindow ? windowText(given as Window) : `${givenText(given)} (${typeof given})`
  return new StreamError(
    'MR_WINDOW_INVALID',
    `the assigner gave the record ${shown}, which ${problem}; what is put into it could not be found again; give ${wanted}.`,
  )
}
