import type { Clock } from '../clock.ts'
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../element.ts'

/** What time it is for the states of one operator that expire by one clock. */
export interface TtlTime {
  /** What expiry is judged by; -Infinity while that is not known: nothing has expired then. */
  readonly now: number
  /**
   * The last access of what is used now. -Infinity while no time is known, NaN where there must be one and is not: in the
   * callback of a record without a timestamp.
   */
  readonly access: number
  /** What expiry is judged by between callbacks: no later callback is at an earlier time. -Infinity as for `now`. */
  readonly settled: number
}

/** Processing time, the same throughout a callback: reading the clock costs as much as reading a value. */
export class ProcessingTtlTime implements TtlTime {
  readonly #clock: Clock
  readonly #callback: () => number
  #readIn = -1
  #now = 0

  /** `callback` tells callbacks apart. */
  constructor(clock: Clock, callback: () => number) {
    this.#clock = clock
    this.#callback = callback
  }

  get now(): number {
    const callback = this.#callback()
    if (callback !== this.#readIn) {
      this.#readIn = callback
      this.#now = this.#clock.now()
    }
    return this.#now
  }

  get access(): number {
    return this.now
  }

  get settled(): number {
    return this.#clock.now()
  }
}

/** What was being processed at some moment, for what is done on its behalf later. */
export interface EventMoment {
  readonly timestamp: number
  readonly timer: number
  readonly isRecord: boolean
}

/**
 * Event time of one operator: told by its node what is being processed, asked by its states (R30).
 *
 * Expiry is judged by the watermark, but while event-time timers fire, which a watermark may do that has jumped, by the
 * timestamp of the timer: what a timer finds does not depend on how watermarks come. It never goes back, so a timer that was
 * registered too late is judged by the watermark up to which all have fired. The final watermark is left out, as it says
 * nothing about time.
 */
export class EventTtlTime implements TtlTime {
  #watermark: number
  /** The watermark of which all timers have fired. */
  #settled: number
  #timer = MAX_TIMESTAMP
  #timestamp = MIN_TIMESTAMP
  #isRecord = false

  /** With the watermark of the checkpoint; -Infinity for none. */
  constructor(watermark: number) {
    this.#watermark = watermark === MAX_TIMESTAMP ? MIN_TIMESTAMP : watermark
    this.#settled = this.#watermark
  }

  /** The watermark of the operator has come so far; its timers are about to fire. */
  advance(watermark: number): void {
    if (watermark !== MAX_TIMESTAMP) this.#watermark = watermark
  }

  /** All timers up to the watermark have fired. */
  settle(): void {
    this.#settled = this.#watermark
  }

  get settled(): number {
    return this.#settled
  }

  /** What follows is done for a record. */
  atRecord(timestamp: number): void {
    this.#timestamp = timestamp
    this.#timer = MAX_TIMESTAMP
    this.#isRecord = true
  }

  /** What follows is done for an event-time timer. */
  atTimer(timestamp: number): void {
    this.#timestamp = timestamp
    this.#timer = Math.max(timestamp, this.#settled)
    this.#isRecord = false
  }

  /** What follows has no event time of its own: a processing-time timer, or work between records. */
  atNothing(): void {
    this.#timestamp = MIN_TIMESTAMP
    this.#timer = MAX_TIMESTAMP
    this.#isRecord = false
  }

  /** What is being processed. */
  get moment(): EventMoment {
    return { timestamp: this.#timestamp, timer: this.#timer, isRecord: this.#isRecord }
  }

  /** What follows is done for what was being processed then. */
  atMoment({ timestamp, timer, isRecord }: EventMoment): void {
    this.#timestamp = timestamp
    this.#timer = timer
    this.#isRecord = isRecord
  }

  get now(): number {
    return Math.min(this.#watermark, this.#timer)
  }

  get access(): number {
    if (Number.isFinite(this.#timestamp)) return this.#timestamp
    return this.#isRecord ? Number.NaN : this.#watermark
  }
}
