import type { Clock } from '../runtime/clock.ts'

/** The signals that stop a job, and the exit code that tells which it was. */
export const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

/** A signal that stops a job. */
export type StopSignal = keyof typeof STOP_SIGNALS

/** Under `npm run` one Ctrl-C can arrive twice: a signal that comes back within this time is the same one (N21). */
const SAME_SIGNAL_MS = 1_000

export interface StopRequestOptions {
  readonly clock: Clock
  /** The first signal: the stop begins (R14). Called at most once. */
  readonly onStop: () => void
  /** Another one, later: whoever is waiting gives up on the stop. Called at most once. */
  readonly onGiveUp: () => void
}

/**
 * Turns signals into a stop, and a second one into giving up on it (N21).
 *
 * ```
 *   running ─ signal ─▶ stopping ─ signal, more than 1 s later ─▶ given up
 *                          └─ signal within 1 s: the same one
 * ```
 */
export class StopRequest {
  readonly #options: StopRequestOptions
  readonly #abort: AbortController = new AbortController()
  #exitCode: number | undefined
  #stoppedAt = 0
  #hasGivenUp = false

  constructor(options: StopRequestOptions) {
    this.#options = options
  }

  /** Aborts with the first signal. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What the process exits with once the stop is done; undefined while nobody has asked for one. */
  get exitCode(): number | undefined {
    return this.#exitCode
  }

  /** Takes a signal of the process. */
  receive(signal: StopSignal): void {
    this.#stop(STOP_SIGNALS[signal])
  }

  /** Nobody reads standard output any more: nothing is left to do, so the job stops (like `| head`). */
  outputClosed(): void {
    if (this.#exitCode === undefined) this.#stop(0)
  }

  #stop(exitCode: number): void {
    const { clock, onStop, onGiveUp } = this.#options
    if (this.#exitCode === undefined) {
      this.#exitCode = exitCode
      this.#stoppedAt = clock.elapsed()
      onStop()
      this.#abort.abort()
      return
    }
    if (this.#hasGivenUp || clock.elapsed() - this.#stoppedAt < SAME_SIGNAL_MS) return
    this.#hasGivenUp = true
    onGiveUp()
  }
}
