import { type Duration, parseDuration } from '../runtime/duration.ts'
import { StreamError } from '../runtime/errors.ts'

/** The event time of a record: integer milliseconds since the epoch (N6). */
export type TimestampFunction<T> = (value: T, recordTimestamp: number) => number

/** Options of a watermark strategy. */
export interface WatermarkOptions {
  /**
   * A split (or a subtask, behind `assignTimestampsAndWatermarks`) without records for longer than this, while it is
   * polled, no longer holds the watermark back (R11). Default 60 s; `'never'` waits for it for ever.
   */
  readonly idleTimeout?: Duration | 'never'
}

const DEFAULT_IDLE_MS = 60_000

/** What the options of a strategy say, checked. */
export function strategyOptions({ idleTimeout = DEFAULT_IDLE_MS }: WatermarkOptions): {
  readonly idleTimeoutMs: number
} {
  return { idleTimeoutMs: idleTimeout === 'never' ? Infinity : idleTimeoutMs(idleTimeout) }
}

function idleTimeoutMs(idleTimeout: Duration): number {
  const ms = parseDuration(idleTimeout, 'The idleTimeout of a watermark strategy')
  if (ms > 0) return ms
  throw new StreamError(
    'MR_OPTION_INVALID',
    `The idleTimeout of a watermark strategy is ${String(idleTimeout)}; an input would be left out between any two records; set more than 0, or 'never'.`,
    { idleTimeout },
  )
}
