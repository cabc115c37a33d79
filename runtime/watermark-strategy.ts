import { MIN_TIMESTAMP } from './element.ts'
import { StreamError } from './errors.ts'

/**
 * When the runtime asks a generator for its watermark: `periodic` is about every 200 ms of processing time, `per-record`
 * also right behind each record, `never` is for what generates none.
 */
export type WatermarkEmission = 'periodic' | 'per-record' | 'never'

/**
 * Keeps the sources of a group together in event time: none is read while it is ahead of the slowest by more than the drift.
 * Only for sources.
 */
export interface WatermarkAlignment {
  readonly group: string
  /** How far a source may be ahead of the lowest watermark of the group, in ms of event time. */
  readonly maxDriftMs: number
  /** How old what a source knows of the group may be at most, in ms of processing time. */
  readonly updateIntervalMs: number
}

/** How records get event time: timestamps, watermarks, and when an input counts as idle. Made by functions such as `boundedOutOfOrderness`. */
export interface WatermarkStrategy<T = never> {
  /** The event time of a record in ms since the epoch; default: the timestamp it came with. */
  readonly timestampOf?: (value: T, recordTimestamp: number) => number
  /** Called once a split in sources, once a subtask elsewhere. */
  readonly createGenerator: () => WatermarkGenerator<T>
  /** An input without records for longer than this, while it is polled, is IDLE (R11); Infinity is never. */
  readonly idleTimeoutMs: number
  /** Default `periodic`. */
  readonly emission?: WatermarkEmission
  /** Default none. */
  readonly alignment?: WatermarkAlignment
}

/**
 * Turns the records of one split (or, behind `assignTimestampsAndWatermarks`, of one subtask) into watermarks.
 *
 * Its state is a plain value and part of the checkpoint (R11), so it must depend on nothing but what `onEvent` was given.
 */
export interface WatermarkGenerator<T = never> {
  /** Called for each record, after it has been emitted (semantics 2.6). */
  onEvent(value: T, timestamp: number): void
  /**
   * The watermark by now: no record at or below it follows. -Infinity before the first. Whole milliseconds; one that is
   * not above the last changes nothing. Called often and at any time: cheap, and without effects.
   */
  currentWatermark(): number
  /** Called with each checkpoint; returns at once a value within the type table (R18). */
  snapshotState(): unknown
  /** Called before the first record with what `snapshotState` returned, where a checkpoint is restored. */
  restoreState(state: unknown): void
}

/** Without a strategy no time passes, until all input has ended. */
export const NO_WATERMARKS: Pick<
  WatermarkStrategy<unknown>,
  'createGenerator' | 'idleTimeoutMs' | 'emission'
> = {
  createGenerator: () => new NoWatermarks(),
  idleTimeoutMs: 60_000,
  emission: 'never',
}

class NoWatermarks implements WatermarkGenerator<unknown> {
  onEvent(): void {}

  currentWatermark(): number {
    return MIN_TIMESTAMP
  }

  snapshotState(): null {
    return null
  }

  restoreState(): void {}
}

/**
 * What a generator says, if it may: -Infinity for none, or whole milliseconds up to 2^53. Else it fails with
 * `MR_WATERMARK_INVALID`; the final watermark is the runtime's own.
 */
export function checkWatermark(watermark: number): number {
  if (Number.isInteger(watermark) && watermark <= Number.MAX_SAFE_INTEGER) return watermark
  if (watermark === MIN_TIMESTAMP) return watermark
  const shown =
    typeof watermark === 'object' ? 'an object' : `${String(watermark)} (${typeof watermark})`
  throw new StreamError(
    'MR_WATERMARK_INVALID',
    `the watermark generator returned ${shown}; no time can be told from it; return milliseconds since the epoch as an integer, or -Infinity for none yet.`,
    { watermark: shown },
  )
}
