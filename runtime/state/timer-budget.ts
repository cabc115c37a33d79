import type { TimerRoom } from './far-timers.ts'
import type { HeapTimerQueue } from './timer-queue.ts'

/** What a timer takes in memory, with its share of heap and row. */
const TIMER_BYTES = 250
/** What timers may take of the budget; the keys of those that stand alone take about as much again. */
const TIMER_SHARE = 1 / 4
/** Timers of an operator that may stay in memory in any case. */
const LEAST_TIMERS = 4
/** How much of their share timers keep when they make room; what is read back fits into the rest. */
const KEPT_SHARE = 1 / 2
/** How far they may exceed it before no input is taken. */
const EXCESS_SHARE = 5 / 4
/** Timers evicted between two looks at the clock, and in all where no time is left. */
const EVICTIONS_PER_LOOK = 64
const EVICTIONS_WITHOUT_TIME = 512

/** How many timers of a backend stay in memory, and which leave: the late ones, of where there are most (R23). */
export class TimerBudget implements TimerRoom {
  readonly #share: number
  readonly #queues: HeapTimerQueue[] = []
  #limit = 0
  /** `bytes` is the budget of the backend. */
  constructor(bytes: number) {
    this.#share = (bytes * TIMER_SHARE) / TIMER_BYTES
  }

  add(queue: HeapTimerQueue): void {
    this.#queues.push(queue)
    this.#limit = Math.max(this.#share, LEAST_TIMERS * this.#queues.length)
  }

  get room(): number {
    return this.#limit * (1 - KEPT_SHARE)
  }

  get inMemory(): number {
    let sum = 0
    for (const queue of this.#queues) sum += queue.inMemory
    return sum
  }

  get bytes(): number {
    return this.inMemory * TIMER_BYTES
  }

  /** There are so many in memory that no input may be taken until some have left. */
  get isExceeded(): boolean {
    return this.inMemory > this.#limit * EXCESS_SHARE
  }

  /** Evicts until there is room again, the store takes no more (false), or time is over (true). */
  evict(isFull: () => boolean, isOver: () => boolean): boolean {
    let left = this.inMemory
    if (left <= this.#limit) return false
    for (const queue of this.#queues) queue.beginLate()
    const goal = this.#limit * KEPT_SHARE
    for (let evicted = 0; left > goal; evicted++, left--) {
      if (isFull()) return false
      const isLook = evicted >= EVICTIONS_WITHOUT_TIME && evicted % EVICTIONS_PER_LOOK === 0
      if (isLook && isOver()) return true
      this.#fullest().evictLate()
    }
    return false
  }

  #fullest(): HeapTimerQueue {
    return this.#queues.reduce((fullest, queue) =>
      queue.inMemory > fullest.inMemory ? queue : fullest,
    )
  }
}
