import { type Duration, parseDuration } from '../runtime/duration.ts'
import { MAX_TIMESTAMP, MIN_TIMESTAMP, type WatermarkStatus } from '../runtime/element.ts'
import { StreamError } from '../runtime/errors.ts'
import type { WatermarkGenerator, WatermarkStrategy } from '../runtime/graph/stream-graph.ts'
import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { TimestampCheck } from '../runtime/timestamps.ts'
import type { OperatorSpec } from './operator-spec.ts'

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
  const boundMs = parseDuration(bound, 'The bound of boundedOutOfOrderness')
  return {
    ...(timestampOf === undefined ? {} : { timestampOf }),
    createGenerator: () => new BoundedOutOfOrderness(boundMs),
    idleTimeoutMs: idleTimeoutMs(options),
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
  return boundedOutOfOrderness(0, timestampOf, options)
}

function idleTimeoutMs({ idleTimeout = DEFAULT_IDLE_MS }: WatermarkOptions): number {
  if (idleTimeout === 'never') return Infinity
  const ms = parseDuration(idleTimeout, 'The idleTimeout of a watermark strategy')
  if (ms > 0) return ms
  throw new StreamError(
    'MR_OPTION_INVALID',
    `The idleTimeout of a watermark strategy is ${String(idleTimeout)}; an input would be left out between any two records; set more than 0, or 'never'.`,
    { idleTimeout },
  )
}

/** Highest timestamp less the bound, less one: a record with the watermark's own timestamp would be late (semantics 2.6). */
class BoundedOutOfOrderness implements WatermarkGenerator {
  readonly #boundMs: number
  #maxTimestamp: number = MIN_TIMESTAMP

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  onEvent(timestamp: number): void {
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

/** The operator behind `assignTimestampsAndWatermarks`. */
export function watermarksSpec<T>(strategy: WatermarkStrategy<T>): OperatorSpec {
  return {
    operatorKind: 'watermarks',
    hasOperatorState: true,
    factory: (context) => new WatermarksOperator(strategy as WatermarkStrategy<unknown>, context),
  }
}

/** Longest time between two looks that counts as waiting: a subtask that is held back is not looked at, nor idle. */
const MAX_LOOK_GAP_MS = 1_000

interface WatermarksState {
  readonly generator: unknown
  readonly status: WatermarkStatus
}

/** Gives records new timestamps and generates watermarks per subtask; those from upstream end here, but for the final one. */
class WatermarksOperator implements Operator<unknown> {
  readonly #strategy: WatermarkStrategy<unknown>
  readonly #generator: WatermarkGenerator
  readonly #timestamps: TimestampCheck
  readonly #context: OperatorContext
  readonly #output: Output
  #status: WatermarkStatus = 'active'
  #hadRecords = false
  #lookedAt: number
  /** How long looks have found no record. */
  #emptyMs = 0

  constructor(strategy: WatermarkStrategy<unknown>, context: OperatorContext) {
    this.#strategy = strategy
    this.#generator = strategy.createGenerator()
    this.#timestamps = new TimestampCheck((message) => context.log(message))
    this.#context = context
    this.#output = context.output
    this.#lookedAt = context.clock.elapsed()
    const restored = context.restoredState as WatermarksState | undefined
    if (restored !== undefined) {
      this.#generator.restoreState(restored.generator)
      this.#status = restored.status
    }
  }

  processElement(value: unknown, recordTimestamp: number): void {
    const { timestampOf } = this.#strategy
    const timestamp =
      timestampOf === undefined ? recordTimestamp : timestampOf(value, recordTimestamp)
    this.#timestamps.check(timestamp)
    this.#hadRecords = true
    this.#output.emit(value, timestamp)
    this.#generator.onEvent(timestamp)
  }

  processWatermark(timestamp: number): number {
    return timestamp === MAX_TIMESTAMP ? timestamp : MIN_TIMESTAMP
  }

  onTick(): number {
    const now = this.#context.clock.elapsed()
    if (this.#hadRecords) {
      this.#emptyMs = 0
      this.#status = 'active'
    } else {
      this.#emptyMs += Math.min(now - this.#lookedAt, MAX_LOOK_GAP_MS)
      if (this.#emptyMs > this.#strategy.idleTimeoutMs) this.#status = 'idle'
    }
    this.#hadRecords = false
    this.#lookedAt = now
    return this.#generator.currentWatermark()
  }

  watermarkStatus(): WatermarkStatus {
    return this.#status
  }

  snapshotState(): WatermarksState {
    return { generator: this.#generator.snapshotState(), status: this.#status }
  }
}
