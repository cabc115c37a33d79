import type { Random } from '../clock.ts'
import type { RestartConfig } from '../graph/restart-config.ts'

type Config<T extends RestartConfig['type']> = Extract<RestartConfig, { readonly type: T }>

/** What follows a failure. */
export type RestartDecision =
  { readonly restart: false } | { readonly restart: true; readonly delayMs: number }

/**
 * Decides after each failure whether there is another attempt, and after which delay; pure but for what it counts.
 *
 * Called once a failure, in the order of time (`now` in ms since the epoch).
 */
export interface RestartStrategy {
  onFailure(now: number, random: Random): RestartDecision
}

/** As Flink's: 1 s, half as much again each time, at most a minute, for ever; an hour without a failure forgets. */
export const DEFAULT_RESTART: Config<'exponential-delay'> = {
  type: 'exponential-delay',
  initialMs: 1_000,
  maxMs: 60_000,
  multiplier: 1.5,
  jitter: 0.1,
  resetAfterMs: 3_600_000,
  attempts: Infinity,
}

/** Makes the strategy of a job; without a configuration the default one. */
export function createRestartStrategy(config: RestartConfig | undefined): RestartStrategy {
  const chosen = config ?? DEFAULT_RESTART
  switch (chosen.type) {
    case 'none':
      return { onFailure: () => ({ restart: false }) }
    case 'fixed-delay':
      return new FixedDelay(chosen)
    case 'failure-rate':
      return new FailureRate(chosen)
    case 'exponential-delay':
      return new ExponentialDelay(chosen)
  }
}

/** The same delay each time, for a number of attempts over the whole run. */
class FixedDelay implements RestartStrategy {
  readonly #config: Config<'fixed-delay'>
  #failures = 0

  constructor(config: Config<'fixed-delay'>) {
    this.#config = config
  }

  onFailure(): RestartDecision {
    this.#failures++
    if (this.#failures > this.#config.attempts) return { restart: false }
    return { restart: true, delayMs: this.#config.delayMs }
  }
}

/** The same delay each time, until more than `maxFailures` lie within the last `intervalMs`. */
class FailureRate implements RestartStrategy {
  readonly #config: Config<'failure-rate'>
  #failures: number[] = []

  constructor(config: Config<'failure-rate'>) {
    this.#config = config
  }

  onFailure(now: number): RestartDecision {
    const { maxFailures, intervalMs, delayMs } = this.#config
    this.#failures = [...this.#failures.filter((at) => now - at <= intervalMs), now]
    if (this.#failures.length > maxFailures) return { restart: false }
    return { restart: true, delayMs }
  }
}

/**
 * A delay that grows with each failure, and begins anew after a quiet time (semantics 2.10).
 *
 * The delay of the n-th failure in a row is `clamp(initial · multiplier^n ± jitter, initial, max)`. The quiet time counts
 * from the moment of the planned restart; a failure before that moment belongs to the attempt that is being restarted.
 */
class ExponentialDelay implements RestartStrategy {
  readonly #config: Config<'exponential-delay'>
  #failures = 0
  #nextRestart = -Infinity

  constructor(config: Config<'exponential-delay'>) {
    this.#config = config
  }

  onFailure(now: number, random: Random): RestartDecision {
    const { resetAfterMs, attempts } = this.#config
    if (now <= this.#nextRestart) return { restart: true, delayMs: this.#nextRestart - now }
    if (now - this.#nextRestart >= resetAfterMs) this.#failures = 0
    this.#failures++
    if (this.#failures > attempts) return { restart: false }
    const delayMs = this.#delay(this.#failures - 1, random)
    this.#nextRestart = now + delayMs
    return { restart: true, delayMs }
  }

  #delay(exponent: number, random: Random): number {
    const { initialMs, maxMs, multiplier, jitter } = this.#config
    const plain = Math.min(initialMs * multiplier ** exponent, Number.MAX_SAFE_INTEGER)
    const varied = plain * (1 + jitter * (2 * random.next() - 1))
    return Math.round(Math.min(maxMs, Math.max(initialMs, varied)))
  }
}
