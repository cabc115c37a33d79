import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { StreamError } from '../../runtime/errors.ts'

/** A span above 0 in ms, for `what`; fails with `MR_OPTION_INVALID` or `MR_DURATION_INVALID`. */
export function positiveDuration(value: Duration, what: string): number {
  const ms = parseDuration(value, what)
  if (ms > 0) return ms
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${what} is ${ms} ms; no window could have it, nor anything happen at such intervals; set it above 0.`,
    { what, ms },
  )
}

/** Fails with `MR_OPTION_INVALID` unless an offset is below the distance of windows (semantics 2.1). */
export function checkOffset(offsetMs: number, distanceMs: number, what: string): void {
  if (Math.abs(offsetMs) < distanceMs) return
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${what} has an offset of ${offsetMs} ms, and a window begins every ${distanceMs} ms; records cannot be assigned to such windows; set an offset below that.`,
    { offsetMs, distanceMs },
  )
}

/** A number of records, at least 1; fails with `MR_OPTION_INVALID`. */
export function positiveCount(count: number, what: string): number {
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${what} is ${String(count)} (${typeof count}), which is no whole number above 0; records cannot be counted up to it; set 1 or more.`,
    { what, count },
  )
}
