/** Cancels what was scheduled; calling it twice, or after it ran, does nothing. */
export type Cancel = () => void

/**
 * The only way to time and to the event loop (R40): all code is handed one, so whole jobs can run under virtual time.
 */
export interface Clock {
  /** Processing time: milliseconds since the epoch, an integer. May jump when the system's time is set. */
  now(): number
  /** Milliseconds from an arbitrary start, with fractions; never decreases. For durations and deadlines. */
  elapsed(): number
  /** Calls back once after at least `delayMs`, as a macrotask. A pending callback keeps the thread alive. */
  schedule(delayMs: number, callback: () => void): Cancel
  /** Calls back in the next turn of the event loop: I/O, timers and messages get their turn before it (N11). */
  nextTurn(callback: () => void): void
}

/** A source of random numbers, so that no other file draws one. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}

/** Longest delay that a timer of Node takes, 24.8 days; what is longer would fire at once. */
const MAX_TIMER_MS = 2_147_483_647

/** The real clock. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  elapsed(): number {
    return performance.now()
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    if (delayMs > MAX_TIMER_MS) {
      let cancel = this.schedule(MAX_TIMER_MS, () => {
        cancel = this.schedule(delayMs - MAX_TIMER_MS, callback)
      })
      return () => cancel()
    }
    const timer = setTimeout(callback, Math.max(0, delayMs))
    return () => clearTimeout(timer)
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback)
  }
}

/** Real randomness, not for secrets. */
export class SystemRandom implements Random {
  next(): number {
    return Math.random()
  }
}

/** The same numbers for the same seed, on every machine (mulberry32: 32 bits of state, period 2^32). */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A random identifier of 16 hexadecimal digits (64 bits), for lineages and attempts. */
export function randomId(random: Random): string {
  let id = ''
  for (let i = 0; i < 4; i++) {
    id += Math.floor(random.next() * 65_536)
      .toString(16)
      .padStart(4, '0')
  }
  return id
}

/** Resolves after `delayMs` of the clock. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(delayMs, resolve))
}

/** Resolves after `delayMs` of the clock, or when the signal is aborted meanwhile; one that is aborted already does not count. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.schedule(delayMs, end)
    signal.addEventListener('abort', end)
  })
}
