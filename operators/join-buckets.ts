/** A pair is joined if `left + lower ≤ right ≤ left + upper`; whole milliseconds, `lower ≤ upper`. */
export interface JoinInterval {
  readonly lower: number
  readonly upper: number
}

/** When a record was buffered. */
export interface BufferedTime {
  readonly timestamp: number
  /** It came when the watermark was at its timestamp already, so it stays until that advances. */
  readonly isAtWatermark?: true
}

/** So many buckets are about as wide as the interval: a record looks into one more than that. */
const BUCKETS_PER_INTERVAL = 2

/**
 * How an interval join buffers its inputs: buckets of time of one width, each dropped as a whole (semantics 2.15).
 *
 * A record is over once the watermark has advanced to the last timestamp that it can be joined with, or to its own where
 * that is later; whether it is still in a bucket then makes no difference. Pure.
 */
export class JoinBuckets {
  readonly interval: JoinInterval
  readonly widthMs: number
  /** How long after its own timestamp a record may still be met. */
  readonly #leftMs: number
  readonly #rightMs: number

  constructor(interval: JoinInterval) {
    const { lower, upper } = interval
    this.interval = interval
    this.widthMs = Math.max(1, Math.ceil((upper - lower) / BUCKETS_PER_INTERVAL))
    this.#leftMs = Math.max(0, upper)
    this.#rightMs = Math.max(0, -lower)
  }

  /** The start of the bucket of a timestamp. */
  bucketOf(timestamp: number): number {
    return Math.floor(timestamp / this.widthMs) * this.widthMs
  }

  isLeftOver(left: BufferedTime, watermark: number): boolean {
    return isOver(left, left.timestamp + this.#leftMs, watermark)
  }

  isRightOver(right: BufferedTime, watermark: number): boolean {
    return isOver(right, right.timestamp + this.#rightMs, watermark)
  }

  /** The watermark at which everything in the bucket of a timestamp of the left side is over. */
  leftEnd(timestamp: number): number {
    return this.bucketOf(timestamp) + this.widthMs - 1 + this.#leftMs
  }

  rightEnd(timestamp: number): number {
    return this.bucketOf(timestamp) + this.widthMs - 1 + this.#rightMs
  }
}

function isOver(
  { timestamp, isAtWatermark }: BufferedTime,
  end: number,
  watermark: number,
): boolean {
  if (end < watermark) return true
  return end === watermark && !(isAtWatermark === true && timestamp === watermark)
}
