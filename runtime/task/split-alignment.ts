import type { WatermarkAlignment } from '../watermark-strategy.ts'
import type { SplitTime, SplitWatermarks } from './split-watermarks.ts'

/**
 * Which splits of a source subtask are read while its group of sources keeps together in event time (semantics 2.6).
 *
 * A split is paused while its watermark is above the lowest of the group plus the drift. A reader that cannot pause single
 * splits is paused as a whole, while the watermark of the subtask is above. So whoever holds the lowest watermark is always
 * read: of its splits at least the lowest one is. Pure: time is handed in.
 */
export class SplitAlignment {
  readonly #alignment: WatermarkAlignment
  readonly #watermarks: SplitWatermarks
  /** Undefined where the reader cannot. */
  readonly #pauseSplits: ((splitIds: ReadonlySet<string>) => void) | undefined
  /** Nothing may be ahead of what is not known yet, after a restart neither. */
  #maxWatermark = -Infinity
  #isPaused = false

  constructor(options: {
    readonly alignment: WatermarkAlignment
    readonly watermarks: SplitWatermarks
    readonly pauseSplits: ((splitIds: ReadonlySet<string>) => void) | undefined
  }) {
    this.#alignment = options.alignment
    this.#watermarks = options.watermarks
    this.#pauseSplits = options.pauseSplits
  }

  /** Whether nothing of the subtask may be read. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** The lowest watermark of the group by now; takes effect with the next `update`. */
  follow(minimum: number): void {
    this.#maxWatermark = minimum + this.#alignment.maxDriftMs
  }

  /** Whether a split that is still read has got too far ahead: `update` is due. `watermark` is that of the subtask. */
  isAhead(split: SplitTime, watermark: number): boolean {
    const reached = this.#pauseSplits === undefined ? watermark : split.watermark
    return reached > this.#maxWatermark && !split.isPaused
  }

  /**
   * Pauses and resumes, by the last watermarks of the splits and that of the subtask. While splits are still to be assigned
   * nothing is paused: they hold back the subtask, whatever those that are there have come to. O(splits).
   */
  update(now: number, watermark: number, isWaitingForSplits: boolean): void {
    const isWholeAhead = watermark > this.#maxWatermark
    const paused = new Set<string>()
    let hasChanged = false
    for (const split of this.#watermarks.splits) {
      const isAhead =
        this.#pauseSplits === undefined ? isWholeAhead : split.watermark > this.#maxWatermark
      const isPaused = isAhead && !isWaitingForSplits
      if (isPaused) paused.add(split.splitId)
      if (isPaused === split.isPaused) continue
      hasChanged = true
      if (isPaused) split.pause(now)
      else split.resume(now)
    }
    this.#isPaused = paused.size > 0 && paused.size === this.#watermarks.count
    if (hasChanged) this.#pauseSplits?.(paused)
  }
}
