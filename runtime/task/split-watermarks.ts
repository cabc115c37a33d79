import type { SplitTimeState } from '../checkpoint/source-state.ts'
import { MIN_TIMESTAMP, type WatermarkStatus } from '../element.ts'
import { checkWatermark, type WatermarkGenerator } from '../watermark-strategy.ts'

/**
 * The event time of one split.
 *
 * ```
 *            idle timeout, every fetch empty
 *   ACTIVE ──────────────────────────────────▶ IDLE
 *     ▲  └───────────── finish ──────────┐      │
 *     └───────────── a record ───────────│──────┤
 *                                        ▼      ▼ finish
 *                                       FINISHED
 * ```
 */
export class SplitTime {
  readonly splitId: string
  readonly generator: WatermarkGenerator<unknown>
  status: WatermarkStatus = 'active'
  /** The highest that the generator has said; one that goes back changes nothing (semantics 2.6). */
  watermark: number = MIN_TIMESTAMP
  /** The highest timestamp of its records in this attempt. */
  maxTimestamp: number = MIN_TIMESTAMP
  /** When fetches began to come back empty; NaN while records come. */
  emptySince: number = NaN
  /** When alignment paused it; NaN while it is read. */
  #pausedSince = NaN

  constructor(splitId: string, generator: WatermarkGenerator<unknown>) {
    this.splitId = splitId
    this.generator = generator
  }

  /** Asks the generator; fails with `MR_WATERMARK_INVALID` where it returns no watermark. */
  look(): number {
    const watermark = checkWatermark(this.generator.currentWatermark())
    if (watermark > this.watermark) this.watermark = watermark
    return this.watermark
  }

  get isPaused(): boolean {
    return !Number.isNaN(this.#pausedSince)
  }

  /** It is read no longer: its clock of idleness stands still (R11). */
  pause(now: number): void {
    this.#pausedSince = now
  }

  resume(now: number): void {
    // What came back empty in the meantime counts from now on.
    this.emptySince = Math.min(now, this.emptySince + now - this.#pausedSince)
    this.#pausedSince = NaN
  }
}

/**
 * The watermark and status of a source subtask: the minimum over its active splits (R11).
 *
 * Idle and finished splits are left out. When the last active one becomes idle the result rises to the highest of the
 * idle ones. The result never decreases. Pure: time is handed in.
 */
export class SplitWatermarks {
  readonly #splits: Map<string, SplitTime> = new Map()
  /** Of those that have finished. */
  #maxTimestamp: number = MIN_TIMESTAMP
  #watermark: number

  constructor(restoredWatermark: number) {
    this.#watermark = restoredWatermark
  }

  add(split: SplitTime): void {
    this.#splits.set(split.splitId, split)
  }

  finish(splitId: string): void {
    const split = this.#splits.get(splitId)
    if (split === undefined) return
    split.status = 'finished'
    this.#maxTimestamp = Math.max(this.#maxTimestamp, split.maxTimestamp)
    this.#splits.delete(splitId)
  }

  /** The highest timestamp of all records in this attempt; O(splits). */
  get maxTimestamp(): number {
    let high = this.#maxTimestamp
    for (const split of this.#splits.values()) high = Math.max(high, split.maxTimestamp)
    return high
  }

  get count(): number {
    return this.#splits.size
  }

  get splits(): Iterable<SplitTime> {
    return this.#splits.values()
  }

  /** Time passed that does not count as empty: nobody could poll. */
  shiftIdleness(ms: number): void {
    for (const split of this.#splits.values()) if (!split.isPaused) split.emptySince += ms
  }

  /** Turns splits idle whose fetches have been empty for longer than the timeout. */
  checkIdle(now: number, idleTimeoutMs: number): void {
    for (const split of this.#splits.values()) {
      if (split.status !== 'active' || split.isPaused) continue
      if (now - split.emptySince > idleTimeoutMs) split.status = 'idle'
    }
  }

  /** The combined watermark by now; O(splits). */
  combine(): number {
    let low = Infinity
    let high = MIN_TIMESTAMP
    for (const split of this.#splits.values()) {
      const watermark = split.look()
      if (split.status === 'active') low = Math.min(low, watermark)
      else high = Math.max(high, watermark)
    }
    const combined = low === Infinity ? high : low
    if (combined > this.#watermark) this.#watermark = combined
    return this.#watermark
  }

  /** The combined watermark after a record of this split; looks at the others only where it held them back. */
  advance(split: SplitTime): number {
    const before = split.watermark
    if (split.look() > before && before <= this.#watermark) return this.combine()
    return this.#watermark
  }

  /** Idle when no split is active, a reader without splits included. */
  get status(): WatermarkStatus {
    for (const split of this.#splits.values()) if (split.status === 'active') return 'active'
    return 'idle'
  }

  snapshotState(): SplitTimeState[] {
    return [...this.#splits.values()].map((split) => ({
      splitId: split.splitId,
      status: split.status,
      generator: split.generator.snapshotState(),
    }))
  }
}
