import { MIN_TIMESTAMP } from '../runtime/element.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import {
  checkWatermark,
  type WatermarkGenerator,
  type WatermarkStrategy,
} from '../runtime/watermark-strategy.ts'
import { checkMethods } from './function.ts'
import {
  strategyOptions,
  type TimestampFunction,
  type WatermarkOptions,
  WATERMARKS,
} from './watermark-options.ts'

/**
 * Records carry watermarks: for each record the function says which one, if any, and it goes out right behind that record.
 * For inputs with markers of their own ("complete up to 12:00").
 *
 * At a source the function says how far the *split* has come; the watermark goes out where no other split holds it back.
 * `timestamp` is the event time of the record. Fails with `MR_WATERMARK_INVALID` for anything but whole milliseconds or
 * `undefined`; one that is not above the last changes nothing.
 *
 * @example
 * punctuatedWatermarks((line) => (line.isMarker ? line.time : undefined), (line) => line.time)
 */
export function punctuatedWatermarks<T>(
  watermarkOf: (value: T, timestamp: number) => number | undefined,
  timestampOf?: TimestampFunction<T>,
  options: WatermarkOptions = {},
): WatermarkStrategy<T> {
  checkMethods({ watermarkOf }, ['watermarkOf'], 'punctuatedWatermarks')
  checkOptionNames(options, WATERMARKS, 'punctuatedWatermarks()')
  return {
    ...(timestampOf === undefined ? {} : { timestampOf }),
    createGenerator: () => new PunctuatedWatermarks(watermarkOf),
    emission: 'per-record',
    ...strategyOptions(options),
  }
}

class PunctuatedWatermarks<T> implements WatermarkGenerator<T> {
  readonly #watermarkOf: (value: T, timestamp: number) => number | undefined
  #watermark: number = MIN_TIMESTAMP

  constructor(watermarkOf: (value: T, timestamp: number) => number | undefined) {
    this.#watermarkOf = watermarkOf
  }

  onEvent(value: T, timestamp: number): void {
    const watermark = this.#watermarkOf(value, timestamp)
    if (watermark === undefined) return
    if (checkWatermark(watermark) > this.#watermark) this.#watermark = watermark
  }

  currentWatermark(): number {
    return this.#watermark
  }

  snapshotState(): number | null {
    return this.#watermark === MIN_TIMESTAMP ? null : this.#watermark
  }

  restoreState(state: unknown): void {
    if (typeof state === 'number') this.#watermark = state
  }
}

/** What `customWatermarks` is made of. */
export interface CustomWatermarkOptions<T> extends WatermarkOptions {
  /** Default: records keep the timestamp that they came with. */
  readonly timestampOf?: TimestampFunction<T>
  /** Called once a split in sources, once a subtask elsewhere, in each attempt. */
  readonly createGenerator: () => WatermarkGenerator<T>
  /**
   * When the generator is asked: `'periodic'`, the default, is about every 200 ms and after each 1,024 records of a source;
   * `'per-record'` also behind each record, for watermarks that must not come later.
   */
  readonly emission?: 'periodic' | 'per-record'
}

const CUSTOM: OptionNames<CustomWatermarkOptions<unknown>> = {
  ...WATERMARKS,
  timestampOf: true,
  createGenerator: true,
  emission: true,
}

/**
 * Watermarks by a generator of your own, whose state is part of the checkpoint (R11).
 *
 * Fails with `MR_GRAPH_INVALID` where `createGenerator` is no function.
 *
 * @example
 * customWatermarks({
 *   timestampOf: (reading) => reading.time,
 *   createGenerator: () => {
 *     let highest = -Infinity
 *     return {
 *       onEvent: (reading, timestamp) => void (highest = Math.max(highest, timestamp - reading.maxDelay)),
 *       currentWatermark: () => highest - 1,
 *       snapshotState: () => highest,
 *       restoreState: (state) => void (highest = state as number),
 *     }
 *   },
 * })
 */
export function customWatermarks<T>(options: CustomWatermarkOptions<T>): WatermarkStrategy<T> {
  checkMethods(options, ['createGenerator'], 'customWatermarks')
  checkOptionNames(options, CUSTOM, 'customWatermarks()')
  const { timestampOf, createGenerator, emission = 'periodic' } = options
  return {
    ...(timestampOf === undefined ? {} : { timestampOf }),
    createGenerator: () => checkedGenerator(createGenerator()),
    emission,
    ...strategyOptions(options),
  }
}

const METHODS = ['onEvent', 'currentWatermark', 'snapshotState', 'restoreState'] as const

function checkedGenerator<T>(generator: WatermarkGenerator<T>): WatermarkGenerator<T> {
  checkMethods(generator, METHODS, 'createGenerator of customWatermarks')
  return generator
}
