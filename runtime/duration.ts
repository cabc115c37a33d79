import { StreamError } from './errors.ts'

/** A span of time: milliseconds, or a number with a unit, such as `'300ms'`, `'10s'`, `'5m'`, `'1h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/**
 * Milliseconds of a duration; the same notation holds in the API and on the command line (N4).
 *
 * Fractions are rounded to whole milliseconds. Fails with `MR_DURATION_INVALID` for anything negative, not finite, beyond
 * 2^53 ms or without a unit; `what` names the setting in the message.
 */
export function parseDuration(value: number | string, what: string): number {
  const ms = typeof value === 'number' ? value : textToMs(value)
  if (!(ms >= 0) || ms > Number.MAX_SAFE_INTEGER) {
    const found = typeof value === 'string' ? `"${value}" (string)` : `${value} (${typeof value})`
    throw new StreamError(
      'MR_DURATION_INVALID',
      `${what} is ${found}, which is not a duration, so it cannot be used as a span of time; ` +
        `write milliseconds as a number or one of "300ms", "10s", "5m", "1h", "1d".`,
      { what, value },
    )
  }
  return Math.round(ms)
}

/** The same for a span that may be negative: `-5_000`, `'-5s'`. */
export function parseSignedDuration(value: number | string, what: string): number {
  const isNegative = typeof value === 'number' ? value < 0 : /^-\d/.test(value)
  if (!isNegative) return parseDuration(value, what)
  return -parseDuration(typeof value === 'number' ? -value : value.slice(1), what)
}

function textToMs(text: string): number {
  const match = PATTERN.exec(text)
  if (match === null) return Number.NaN
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]
}
