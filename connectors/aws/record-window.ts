/** So many records more after each request that was taken as a whole. */
const STEP_RECORDS = 10

/**
 * How many records may be on their way at once: fewer while the service throttles (additive increase, multiplicative decrease).
 *
 * A request that is throttled as a whole halves the window, one of which a part is throttled takes half of that part of it; but
 * only once for all requests that were sent before: they tell of the same moment. Each that is taken as a whole adds ten records, up
 * to the most, and of one that is taken in part that part of ten. So a single shard that is too slow among many takes little away from
 * the others. It is never below one.
 *
 * Pure: it sends nothing and reads no clock.
 */
export class RecordWindow {
  readonly #max: number
  #limit: number
  #sent = 0
  /** Requests sent before the last decrease. */
  #decreasedAt = 0

  constructor(max: number) {
    this.#max = max
    this.#limit = max
  }

  /** Records that may be on their way at once. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Tells that a request is sent; its number is for `throttled`. */
  sent(): number {
    return ++this.#sent
  }

  /** Tells of the request of this number which part of it, from 0 to 1, was throttled. */
  answered(request: number, throttled: number): void {
    if (throttled > 0 && request > this.#decreasedAt) {
      this.#decreasedAt = this.#sent
      this.#limit *= 1 - throttled / 2
    }
    const next = this.#limit + STEP_RECORDS * (1 - throttled)
    this.#limit = Math.min(this.#max, Math.max(1, next))
  }
}
