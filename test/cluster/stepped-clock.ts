import { type Cancel, type Clock, SystemClock } from '../../runtime/clock.ts'

/** The real clock, which a test may also put forward: what comes due by that happens at once, in order. */
export class SteppedClock implements Clock {
  readonly #system: SystemClock = new SystemClock()
  readonly #scheduled: Set<{ readonly at: number; readonly run: () => void }> = new Set()
  #ahead = 0

  now(): number {
    return this.#system.now() + this.#ahead
  }

  elapsed(): number {
    return this.#system.elapsed() + this.#ahead
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const cancel = this.#system.schedule(delayMs, () => entry.run())
    const entry = {
      at: this.elapsed() + delayMs,
      run: () => {
        if (!this.#scheduled.delete(entry)) return
        cancel()
        callback()
      },
    }
    this.#scheduled.add(entry)
    return () => {
      this.#scheduled.delete(entry)
      cancel()
    }
  }

  nextTurn(callback: () => void): void {
    this.#system.nextTurn(callback)
  }

  advance(ms: number): void {
    this.#ahead += ms
    const due = [...this.#scheduled].filter((entry) => entry.at <= this.elapsed())
    for (const entry of due.sort((a, b) => a.at - b.at)) entry.run()
  }
}
