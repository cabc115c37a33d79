import { MAX_TIMESTAMP } from '../../runtime/element.ts'
import type { TimerService } from '../../runtime/operator.ts'
import type { Window } from './time-window.ts'

/** When windows are gone for good, and what is late until then (semantics 2.3). */
export class CleanupTimes {
  readonly isEventTime: boolean
  readonly allowedLatenessMs: number
  readonly #timers: TimerService

  constructor(timers: TimerService, isEventTime: boolean, allowedLatenessMs: number) {
    this.#timers = timers
    this.isEventTime = isEventTime
    this.allowedLatenessMs = allowedLatenessMs
  }

  /** The time after which nothing of a window is kept; Infinity is never. */
  of(window: Window): number {
    const { maxTimestamp } = window
    if (!this.isEventTime) return maxTimestamp
    const time = maxTimestamp + this.allowedLatenessMs
    return time > Number.MAX_SAFE_INTEGER ? MAX_TIMESTAMP : time
  }

  /** Whether a window is gone already: what comes into it is too late. */
  isLate(window: Window): boolean {
    return this.isEventTime && this.of(window) <= this.#timers.currentWatermark
  }

  isElementLate(timestamp: number): boolean {
    return this.isEventTime && timestamp + this.allowedLatenessMs <= this.#timers.currentWatermark
  }

  /** Whether a window of event time has had its time, and is kept for late records only. */
  isOver(window: Window): boolean {
    return this.isEventTime && window.maxTimestamp <= this.#timers.currentWatermark
  }

  /** Whether a timer of a window is the one that cleans it up. */
  isTimer(domain: 'event' | 'processing', timestamp: number, window: Window): boolean {
    return this.#isOf(domain) && timestamp === this.of(window) && timestamp !== MAX_TIMESTAMP
  }

  /**
   * Whether a timer of a window finds it gone for good. That may be later than its cleanup: where the allowed lateness was higher
   * before a restart, the timer from then is the only one.
   */
  isDue(domain: 'event' | 'processing', timestamp: number, window: Window): boolean {
    const time = this.of(window)
    return this.#isOf(domain) && timestamp >= time && time !== MAX_TIMESTAMP
  }

  /**
   * Whether a timer is one of those that may have been the last of its window, where the allowed lateness was lower before a
   * restart: the window is cleaned up by the new one.
   */
  mayBeTooEarly(domain: 'event' | 'processing', timestamp: number, window: Window): boolean {
    return this.allowedLatenessMs > 0 && this.#isOf(domain) && timestamp < this.of(window)
  }

  #isOf(domain: 'event' | 'processing'): boolean {
    return this.isEventTime === (domain === 'event')
  }

  /** Sets the timer of a window in whose namespace the operator is; none for a window that stays for ever. */
  register(window: Window): void {
    const time = this.of(window)
    if (time === MAX_TIMESTAMP) return
    if (this.isEventTime) this.#timers.registerEventTime(time)
    else this.#timers.registerProcessingTime(time)
  }

  delete(window: Window): void {
    const time = this.of(window)
    if (time === MAX_TIMESTAMP) return
    if (this.isEventTime) this.#timers.deleteEventTime(time)
    else this.#timers.deleteProcessingTime(time)
  }
}
