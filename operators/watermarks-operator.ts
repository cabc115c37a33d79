import { MAX_TIMESTAMP, MIN_TIMESTAMP, type WatermarkStatus } from '../runtime/element.ts'
import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { TimestampCheck } from '../runtime/timestamps.ts'
import {
  checkWatermark,
  type WatermarkGenerator,
  type WatermarkStrategy,
} from '../runtime/watermark-strategy.ts'
import type { OperatorSpec } from './operator-spec.ts'

/** The operator behind `assignTimestampsAndWatermarks`. */
export function watermarksSpec<T>(strategy: WatermarkStrategy<T>): OperatorSpec {
  return {
    operatorKind: 'watermarks',
    hasOperatorState: true,
    // Where time stood is in the watermarks of the checkpoint (R12); the records that follow tell the generator the rest.
    stateSpread: 'fresh',
    factory: (context) => new WatermarksOperator(strategy as WatermarkStrategy<unknown>, context),
  }
}

interface WatermarksState {
  readonly generator: unknown
  readonly status: WatermarkStatus
}

/** Gives records new timestamps and generates watermarks per subtask; those from upstream end here, but for the final one. */
class WatermarksOperator implements Operator<unknown> {
  readonly #strategy: WatermarkStrategy<unknown>
  readonly #isPerRecord: boolean
  readonly #generator: WatermarkGenerator<unknown>
  readonly #timestamps: TimestampCheck
  readonly #context: OperatorContext
  readonly #output: Output
  #status: WatermarkStatus = 'active'
  #hadRecords = false
  /** How long looks have found no record, from the first that did; NaN when the last one found some. */
  #emptyMs = NaN

  constructor(strategy: WatermarkStrategy<unknown>, context: OperatorContext) {
    this.#strategy = strategy
    this.#isPerRecord = strategy.emission === 'per-record'
    this.#generator = strategy.createGenerator()
    this.#timestamps = new TimestampCheck((message) => context.log(message))
    this.#context = context
    this.#output = context.output
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
    if (this.#status === 'idle') {
      // Before the record, or time would run past it.
      this.#status = 'active'
      this.#context.watermarks.markActive()
    }
    this.#hadRecords = true
    this.#output.emit(value, timestamp)
    this.#generator.onEvent(value, timestamp)
    if (this.#isPerRecord) this.#context.watermarks.emitWatermark(this.#currentWatermark())
  }

  #currentWatermark(): number {
    return checkWatermark(this.#generator.currentWatermark())
  }

  /** The final one contains whatever the generator would have said last. */
  processWatermark(timestamp: number): number {
    return timestamp === MAX_TIMESTAMP ? timestamp : MIN_TIMESTAMP
  }

  onTick(openMs: number): number {
    const wasIdle = this.#status === 'idle'
    this.#followIdleness(openMs)
    // Who is idle says nothing until it is active again; the one that came with becoming idle goes out (semantics 2.6).
    return wasIdle && this.#status === 'idle' ? MIN_TIMESTAMP : this.#currentWatermark()
  }

  #followIdleness(openMs: number): void {
    if (this.#hadRecords) this.#emptyMs = NaN
    // The clock of idleness starts at the first look without a record.
    else if (Number.isNaN(this.#emptyMs)) this.#emptyMs = 0
    else this.#emptyMs += openMs
    this.#hadRecords = false
    if (this.#emptyMs > this.#strategy.idleTimeoutMs) this.#status = 'idle'
  }

  watermarkStatus(): WatermarkStatus {
    return this.#status
  }

  snapshotState(): WatermarksState {
    return { generator: this.#generator.snapshotState(), status: this.#status }
  }
}
