import { MIN_TIMESTAMP } from '../../runtime/element.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'

/** Parts of event time that have a name of their own. */
const UNITS = {
  year: 'yyyy',
  month: 'yyyy-MM',
  day: 'yyyy-MM-dd',
  hour: 'HH',
  minute: 'mm',
} as const

/** How each token is cut out of `2026-11-22T05:07:09.000Z`. */
const TOKENS: Readonly<Record<string, readonly [from: number, to: number]>> = {
  yyyy: [0, 4],
  MM: [5, 7],
  dd: [8, 10],
  HH: [11, 13],
  mm: [14, 16],
}

const PATTERN = /yyyy|MM|dd|HH|mm|[-_.T]/g
const DAY_MS = 86_400_000

/** The part of the timestamp of a record that makes the value of a partition, from `eventTime()`. */
export interface EventTime {
  /** Made of yyyy, MM, dd, HH, mm and `-`, `_`, `.`, `T` between them. */
  readonly pattern: string
}

/**
 * Makes a partition of the timestamps of records, in UTC.
 *
 * `'year'` is 2026, `'month'` 2026-11, `'day'` 2026-11-22, `'hour'` the hour of the day, 05, and `'minute'` that of the hour, 07.
 * Anything else is a pattern of `yyyy`, `MM`, `dd`, `HH` and `mm` with `-`, `_`, `.` or `T` between them: what Firehose has as
 * `!{timestamp:yyyy-MM-dd-HH}` is `eventTime('yyyy-MM-dd-HH')`. Fails with `MR_SINK_INVALID` for other patterns.
 *
 * @example
 * s3Sink({ path: 's3://lake/clicks', format: json<Click>(), partitions: { dt: eventTime('day') } })
 */
export function eventTime(unitOrPattern: keyof typeof UNITS | (string & {})): EventTime {
  const pattern = (UNITS as Readonly<Record<string, string>>)[unitOrPattern] ?? unitOrPattern
  const isPattern = typeof pattern === 'string' && pattern.replaceAll(PATTERN, '') === ''
  if (!isPattern || !/[yMdHm]/.test(pattern)) {
    throw new StreamError(
      'MR_SINK_INVALID',
      `eventTime() was given ${givenText(unitOrPattern)}, which is no part of a time, so there is nothing to name partitions after; give ` +
        `${Object.keys(UNITS)
          .map((unit) => `'${unit}'`)
          .join(', ')}, or a pattern of yyyy, MM, dd, HH, mm such as 'yyyy-MM-dd-HH'.`,
      { option: 'eventTime' },
    )
  }
  return { pattern }
}

/** Formats timestamps by one pattern; the last one is remembered, as those of records change slowly. */
export class EventTimeFormat {
  readonly #pattern: string
  readonly #unitMs: number
  #unit = Number.NaN
  #text = ''

  constructor({ pattern }: EventTime) {
    this.#pattern = pattern
    this.#unitMs = pattern.includes('mm') ? 60_000 : pattern.includes('HH') ? 3_600_000 : DAY_MS
  }

  /** Fails with `MR_TIMESTAMP_INVALID` for a record without a timestamp, or one that no calendar has. */
  format(timestamp: number): string {
    const unit = Math.floor(timestamp / this.#unitMs)
    if (unit === this.#unit) return this.#text
    const date = new Date(timestamp)
    const year = date.getUTCFullYear()
    if (!(year >= 0 && year <= 9_999)) throw noTime(timestamp)
    const iso = date.toISOString()
    this.#text = this.#pattern.replaceAll(PATTERN, (token) => {
      const range = TOKENS[token]
      return range === undefined ? token : iso.slice(...range)
    })
    this.#unit = unit
    return this.#text
  }
}

function noTime(timestamp: number): StreamError {
  const what = timestamp === MIN_TIMESTAMP ? 'no timestamp' : `the timestamp ${timestamp}`
  return new StreamError(
    'MR_TIMESTAMP_INVALID',
    `the record has ${what}, so it belongs to no partition by event time; give records timestamps with watermarks(), or make the ` +
      `partitions of fields.`,
    { timestamp: String(timestamp) },
  )
}
