import { type Duration, parseDuration } from '../runtime/duration.ts'
import { MIN_TIMESTAMP } from '../runtime/element.ts'
import { checkOptionNames } from '../runtime/option-names.ts'
import {
  NO_WATERMARKS,
  type WatermarkGenerator,
  type WatermarkStrategy,
} from '../runtime/watermark-strategy.ts'
import {
  checkNoAlignment,
  type IdlenessOptions,
  strategyOptions,
  type TimestampFunction,
  type WatermarkOptions,
  WATERMARKS,
} from './watermark-options.ts'

/**
 * Records may be out of order by up to `bound`: the watermark stays that far behind the highest timestamp seen.
 *
 * Without `timestampOf` records keep the timestamp that their source gave them.
 *
 * @example
 * boundedOutOfOrderness('5s', (order) => order.placedAt)
 */
export function boundedOutOfOrderness<T>(
  bound: Duration,
  timestampOf?: TimestampFunction<T>,
  options: WatermarkOptions = {},
): WatermarkStrategy<T> {
  checkOptionNames(options, WATERMARKS, 'boundedOutOfOrderness()')
  const boundMs = parseDuration(bound, 'The bound of boundedOutOfOrderness')
  return {
    ...(timestampOf === undefined ? {} : { timestampOf }),
    createGenerator: () => new BoundedOutOfOrderness(boundMs),
    ...strategyOptions(options),
  }
}

/**
 * The timestamps of a split never decrease: the watermark follows right behind the highest one seen.
 *
 * @example
 * monotonousTimestamps((reading) => reading.time)
 */
export function monotonousTimestamps<T>(
  timestampOf?: TimestampFunction<T>,
  options: WatermarkOptions = {},
): WatermarkStrategy<T> {
  checkOptionNames(options, WATERMARKS, 'monotonousTimestamps()')
  return boundedOutOfOrderness(0, timestampOf, options)
}

/**
 * Gives records timestamps, but lets no time pass until all input has ended: no window closes and no event-time timer fires
 * before. For inputs that are waited for as a whole, and where `assignTimestampsAndWatermarks` follows.
 *
 * An input without watermarks holds back whatever it is joined with, until it is idle or has ended. It cannot keep together
 * with others, which would have to wait for its end: fails with `MR_OPTION_INVALID` where there is an `alignment`.
 *
 * @example
 * noWatermarks((reading) => reading.time)
 */
export function noWatermarks<T>(
  timestampOf?: TimestampFunction<T>,
  options: IdlenessOptions = {},
): WatermarkStrategy<T> {
  checkOptionNames(options, WATERMARKS, 'noWatermarks()')
  checkNoAlignment(
    options,
    'noWatermarks()',
    'without watermarks the other sources of the group would stand still until all of its records have been read; leave it out, or give a strategy with watermarks',
  )
  return {
    ...NO_WATERMARKS,
    ...(timestampOf === undefined ? {} : { timestampOf }),
    ...strategyOptions(options),
  }
}

/** Highest timestamp less the bound, less one: a record with the watermark's own timestamp would be late (semantics 2.6). */
class BoundedOutOfOrderness implements WatermarkGenerator<unknown> {
  readonly #boundMs: number
  #maxTimestamp: number = MIN_TIMESTAMP

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  onEvent(_value: unknown, timestamp: number): void {
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
  }

  currentWatermark(): number {
    return this.#maxTimestamp - this.#boundMs - 1
  }

  snapshotState(): number | null {
    return this.#maxTimestamp === MIN_TIMESTAMP ? null : this.#maxTimestamp
  }

  restoreState(state: unknown): void {
    if (typeof state === 'number') this.#maxTimestamp = state
  }
}
