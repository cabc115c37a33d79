/** What is under way is to be consumed within about this time, in ms: a barrier waits behind it. */
const TARGET_MS = 200
/** Busy time after which the rate is measured anew, even where a whole window has not been consumed. */
const MEASURE_MS = 50
/** Where nothing is known of the receiver yet. */
const FIRST_BYTES = 16 * 1_024
const LEAST_BYTES = 256

/**
 * How many bytes of a channel may be under way and not yet consumed: as many as the receiver consumes in a fifth of a second,
 * and never more than its credit (R7); pure.
 *
 * A barrier aligns behind all that is under way. With a fixed number of bytes that takes as long as the receiver is slow: 256
 * KiB of small records before an operator that needs 2 ms for one are 14 s. (Flink's buffer debloating does the same.) The
 * rate is that of busy time, in which something was under way. A window that is too small mends itself: it is consumed in the
 * time of a round trip, and grows by what fits into the target.
 */
export class CreditWindow {
  readonly #mostBytes: number
  #bytes: number
  /** Since when something has been under way, as far as it is not counted yet; NaN while nothing is. */
  #busySince = NaN
  #busyMs = 0
  #consumed = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
    this.#bytes = Math.min(mostBytes, FIRST_BYTES)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Something is sent when nothing was under way. */
  begin(now: number): void {
    this.#busySince = now
  }

  /** So much has been consumed; `underWay` is left. */
  consumed(bytes: number, underWay: number, now: number): void {
    this.#consumed += bytes
    this.#busyMs += now - this.#busySince
    this.#busySince = underWay > 0 ? now : NaN
    if (this.#busyMs < MEASURE_MS && this.#consumed < this.#bytes) return
    const wanted = this.#busyMs > 0 ? (this.#consumed / this.#busyMs) * TARGET_MS : Infinity
    const least = Math.min(LEAST_BYTES, this.#mostBytes)
    this.#bytes = Math.floor(Math.min(this.#mostBytes, Math.max(least, wanted)))
    this.#busyMs = 0
    this.#consumed = 0
  }
}
