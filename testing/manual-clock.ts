import type { Cancel, Clock } from '../runtime/clock.ts'

interface Scheduled {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/**
 * A clock that moves only when it is told to: time stands still until `advance`, turns of the event loop until `runTurns`.
 *
 * Callbacks run in the order of their time, those of the same time in the order they were scheduled, each at its own time.
 */
export class ManualClock implements Clock {
  #elapsed = 0
  readonly #startedAt: number
  #scheduled: Scheduled[] = []
  #turns: (() => void)[] = []
  #order = 0

  /** Processing time at the start, ms since the epoch; a fixed day by default. */
  constructor(startedAt = 1_700_000_000_000) {
    this.#startedAt = startedAt
  }

  now(): number {
    return Math.floor(this.#startedAt + this.#elapsed)
  }

  elapsed(): number {
    return this.#elapsed
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const at = this.#elapsed + Math.max(0, delayMs)
    const entry = { at, order: this.#order++, callback }
    this.#scheduled.push(entry)
    return () => {
      this.#scheduled = this.#scheduled.filter((other) => other !== entry)
    }
  }

  nextTurn(callback: () => void): void {
    this.#turns.push(callback)
  }

  /** Milliseconds until the next scheduled callback; undefined when there is none. */
  get nextDelay(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : Math.max(0, next.at - this.#elapsed)
  }

  /** Callbacks waiting for the next turn. */
  get pendingTurns(): number {
    return this.#turns.length
  }

  /** Moves time on and runs what becomes due, including what those callbacks schedule within the span. */
  advance(ms: number): void {
    const until = this.#elapsed + ms
    for (let next = this.#next(); next !== undefined && next.at <= until; next = this.#next()) {
      const due = next
      this.#scheduled = this.#scheduled.filter((other) => other !== due)
      this.#elapsed = Math.max(this.#elapsed, due.at)
      due.callback()
    }
    this.#elapsed = Math.max(this.#elapsed, until)
  }

  /** Runs the callbacks of one turn; those they add wait for the next. Returns how many ran. */
  runTurn(): number {
    const turns = this.#turns
    this.#turns = []
    for (const callback of turns) callback()
    return turns.length
  }

  /** Runs turns until none is waiting, at most `limit`; fails beyond, as something then turns for ever. */
  runTurns(limit = 10_000): void {
    for (let turn = 0; this.#turns.length > 0; turn++) {
      if (turn >= limit) throw new Error(`Still turning after ${limit} turns`)
      this.runTurn()
    }
  }

  #next(): Scheduled | undefined {
    let next: Scheduled | undefined
    for (const entry of this.#scheduled) {
      if (
        next === undefined ||
        entry.at < next.at ||
        (entry.at === next.at && entry.order < next.order)
      ) {
        next = entry
      }
    }
    return next
  }
}
