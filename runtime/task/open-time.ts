import type { Clock } from '../clock.ts'

/** Measures the time in which input could be taken: idleness does not count any other (R11). */
export class OpenTime {
  readonly #clock: Clock
  #lookedAt: number
  /** NaN while it is open. */
  #heldSince = NaN
  #heldMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lookedAt = clock.elapsed()
  }

  /** Tells whether input is held back from now on; reads the clock only where that is news. */
  hold(isHeld: boolean): void {
    if (isHeld === !Number.isNaN(this.#heldSince)) return
    const now = this.#clock.elapsed()
    if (isHeld) {
      this.#heldSince = now
      return
    }
    this.#heldMs += now - this.#heldSince
    this.#heldSince = NaN
  }

  /** Milliseconds since the last look in which it was open. */
  look(): number {
    const now = this.#clock.elapsed()
    if (!Number.isNaN(this.#heldSince)) {
      this.#heldMs += now - this.#heldSince
      this.#heldSince = now
    }
    const openMs = now - this.#lookedAt - this.#heldMs
    this.#lookedAt = now
    this.#heldMs = 0
    return openMs
  }
}
