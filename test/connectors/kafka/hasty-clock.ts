import type { Clock } from '../../../runtime/clock.ts'

/** A clock whose time goes on by itself, as far as it has to, whenever somebody waits. */
export class HastyClock implements Clock {
  #ms = 1_000

  now(): number {
    return this.#ms
  }

  elapsed(): number {
    return this.#ms
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const at = this.#ms + delayMs
    const immediate = setImmediate(() => {
      this.#ms = Math.max(this.#ms, at)
      callback()
    })
    return () => clearImmediate(immediate)
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback)
  }

  /** Lets time pass. */
  advance(byMs: number): void {
    this.#ms += byMs
  }
}
