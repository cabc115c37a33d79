import type { Cancel, Clock } from '../runtime/clock.ts'

/** Time that may be caught up after a pause, so that a job that was held back does not burst for long. */
const MAX_CATCH_UP_MS = 1_000
/** Shortest wait: many small waits would cost more than they smooth. */
const MIN_WAIT_MS = 10

/**
 * Says how many records may be emitted by now at a constant rate; the first one at once.
 *
 * Positions alone are checkpointed: after a restart the pace begins anew. Reads the clock once a call.
 */
export class RatePacer {
  readonly #perMs: number
  readonly #clock: Clock
  readonly #wake: () => void
  #startedAt: number | undefined
  #emitted = 0
  #cancel: Cancel | undefined

  /** `perSecond` 0 means as fast as possible. `wake` is called when a record is due again. */
  constructor(perSecond: number, clock: Clock, wake: () => void) {
    this.#perMs = perSecond / 1_000
    this.#clock = clock
    this.#wake = wake
  }

  /** Records that are due now; when there are none, `wake` follows. Infinity without a rate. */
  due(): number {
    if (this.#perMs === 0) return Infinity
    const now = this.#clock.elapsed()
    this.#startedAt ??= now
    const owed = this.#allowed(now) - this.#emitted
    const surplus = owed - Math.max(1, Math.ceil(MAX_CATCH_UP_MS * this.#perMs))
    if (surplus > 0) this.#emitted += surplus
    if (owed > 0) return owed - Math.max(0, surplus)
    const nextAt = this.#startedAt + this.#emitted / this.#perMs
    this.#cancel ??= this.#clock.schedule(Math.max(MIN_WAIT_MS, nextAt - now), () => {
      this.#cancel = undefined
      this.#wake()
    })
    return 0
  }

  /** Tells that records have been emitted. */
  emitted(records: number): void {
    this.#emitted += records
  }

  close(): void {
    this.#cancel?.()
  }

  #allowed(now: number): number {
    return Math.floor((now - (this.#startedAt as number)) * this.#perMs + 1e-9) + 1
  }
}
