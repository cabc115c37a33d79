/** So many records more after each request that was taken as a whole. */
const STEP_RECORDS = 10

/**
 * How many records may be on their way at once: fewer while the service throttles (additive increase, multiplicative decrease).
 *
 * A request that is throttled, in part or as a whole, halves the window, but only once for all requests that were sent before:
 * they tell of the same moment. Each that is taken as a whole adds ten records, up to the most. It is never below one.
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
    return this.#limit
  }

  /** Tells that a request is sent; its number is for `throttled`. */
  sent(): number {
    return ++this.#sent
  }

  /** Tells that a request was taken as a whole. */
  taken(): void {
    this.#limit = Math.min(this.#max, this.#limit + STEP_RECORDS)
  }

  /** Tells that the request of this number was throttled, in part or as a whole. */
  throttled(request: number): void {
    if (request <= this.#decreasedAt) return
    this.#decreasedAt = this.#sent
    this.#limit = Math.max(1, Math.floor(this.#limit / 2))
  }
}
