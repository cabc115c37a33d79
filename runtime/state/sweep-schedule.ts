/** A pass is made at most this many times while a time to live goes by. */
const PASSES_PER_TTL = 4

/**
 * When the entries of one state are looked at for what has expired; pure.
 *
 * The next pass is due when the oldest entry that the last one met expires, unless it has been used meanwhile, but not before a
 * quarter of the time to live has passed. So an entry is met at the latest a quarter after it has expired, and a state whose
 * keys are all in use is read about once in its time to live. All times are of the clock by which the state expires.
 */
export class SweepSchedule {
  readonly #durationMs: number
  #startedAt = 0
  #oldest = 0
  #next = -Infinity

  constructor(durationMs: number) {
    this.#durationMs = durationMs
  }

  /** At once at the beginning: what has been restored may have expired long ago. Not while the time is unknown. */
  isDue(now: number): boolean {
    return now !== -Infinity && now >= this.#next
  }

  begin(now: number): void {
    this.#startedAt = now
    // What is written from now on is met by the next pass.
    this.#oldest = now
  }

  /** The pass has met an entry that stays, used last then. */
  met(lastAccess: number): void {
    if (lastAccess < this.#oldest) this.#oldest = lastAccess
  }

  end(): void {
    const soonest = this.#startedAt + this.#durationMs / PASSES_PER_TTL
    this.#next = Math.max(soonest, this.#oldest + this.#durationMs)
  }
}
