import { type Duration, parseDuration } from '../runtime/duration.ts'
import { givenText, StreamError } from '../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import type { WatermarkAlignment, WatermarkStrategy } from '../runtime/watermark-strategy.ts'

/** The event time of a record: integer milliseconds since the epoch (N6). */
export type TimestampFunction<T> = (value: T, recordTimestamp: number) => number

/** Options of a watermark strategy that may bring no watermarks. */
export interface IdlenessOptions {
  /**
   * A split (or a subtask, behind `assignTimestampsAndWatermarks`) without records for longer than this, while it is
   * polled, no longer holds the watermark back (R11). Default 60 s; `'never'` waits for it for ever.
   */
  readonly idleTimeout?: Duration | 'never'
}

/** Options of a watermark strategy. */
export interface WatermarkOptions extends IdlenessOptions {
  /**
   * Keeps this source together with others in event time, so that what waits for the slow ones does not pile up. Only for
   * strategies given to `fromSource`. Default: each source is read as fast as it can be.
   */
  readonly alignment?: AlignmentOptions
}

/** Which sources keep together in event time, and how closely. */
export interface AlignmentOptions {
  /** All sources of the job that name the same group keep together. */
  readonly group: string
  /**
   * How far this source may be ahead, in event time, of the slowest of the group: the lowest watermark over all subtasks that
   * are neither idle nor at their end. What is further ahead is not read, split by split where the source can pause single
   * ones (`fileSource`), else the whole subtask. What has been read already, up to about 1,024 records, may go beyond.
   */
  readonly maxDrift: Duration
  /**
   * How long it may take at most until the others are told how far a source has come. What moves by more than half of the
   * drift is told at once. Default 1 s.
   */
  readonly updateInterval?: Duration
}

/** The names of what `strategyOptions` reads. */
export const WATERMARKS: OptionNames<WatermarkOptions> = { idleTimeout: true, alignment: true }

const ALIGNMENT: OptionNames<AlignmentOptions> = {
  group: true,
  maxDrift: true,
  updateInterval: true,
}

const DEFAULT_IDLE_MS = 60_000
const DEFAULT_UPDATE_INTERVAL_MS = 1_000

/** What the options of a strategy say, checked. */
export function strategyOptions(
  options: WatermarkOptions,
): Pick<WatermarkStrategy, 'idleTimeoutMs' | 'alignment'> {
  const { idleTimeout = DEFAULT_IDLE_MS, alignment } = options
  return {
    idleTimeoutMs: idleTimeout === 'never' ? Infinity : idleTimeoutMs(idleTimeout),
    ...(alignment === undefined ? {} : { alignment: checkedAlignment(alignment) }),
  }
}

/** Fails with `MR_OPTION_INVALID` for anything but what makes watermarks; `where` is what was given it. */
export function checkStrategy(given: unknown, where: string): void {
  const strategy = given as Partial<WatermarkStrategy> | null | undefined
  if (typeof strategy?.createGenerator !== 'function') {
    throw new StreamError(
      'MR_OPTION_INVALID',
      `${where} was given ${given === null ? 'null' : `something of type ${typeof given}`}, which is no watermark strategy; no time would pass; give what boundedOutOfOrderness(…), monotonousTimestamps(…), punctuatedWatermarks(…), customWatermarks(…) or noWatermarks(…) returned.`,
      { where },
    )
  }
  const timestampOf: unknown = strategy.timestampOf
  if (timestampOf === undefined || typeof timestampOf === 'function') return
  throw new StreamError(
    'MR_OPTION_INVALID',
    `${where} was given a strategy whose timestampOf is ${givenText(timestampOf)} (${typeof timestampOf}), not a function; records would have no timestamps; give a function that returns the timestamp of a record, or leave it out.`,
    { where },
  )
}

/** Fails with `MR_OPTION_INVALID` where a strategy has an alignment that comes to nothing there; `why` says why. */
export function checkNoAlignment(
  options: IdlenessOptions | WatermarkOptions | WatermarkStrategy,
  where: string,
  why: string,
): void {
  if (!('alignment' in options) || options.alignment === undefined) return
  throw new StreamError('MR_OPTION_INVALID', `${where} has the option alignment: ${why}.`, {
    where,
  })
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

function checkedAlignment(alignment: AlignmentOptions): WatermarkAlignment {
  checkOptionNames(alignment, ALIGNMENT, 'alignment of a watermark strategy')
  const { group, maxDrift, updateInterval = DEFAULT_UPDATE_INTERVAL_MS } = alignment
  if (typeof group !== 'string' || group === '') {
    throw new StreamError(
      'MR_OPTION_INVALID',
      `The group of an alignment of sources is ${givenText(group)} (${typeof group}); it does not say which sources keep together; give a name, the same to all of them.`,
    )
  }
  const what = `of the alignment "${group}"`
  const maxDriftMs = parseDuration(maxDrift, `The maxDrift ${what}`)
  const updateIntervalMs = parseDuration(updateInterval, `The updateInterval ${what}`)
  if (updateIntervalMs > 0) return { group, maxDriftMs, updateIntervalMs }
  throw new StreamError(
    'MR_OPTION_INVALID',
    `The updateInterval ${what} is ${String(updateInterval)}; sources would do nothing but tell each other how far they are; set more than 0.`,
    { updateInterval },
  )
}
