import type { Clock } from '../clock.ts'
import type { NodeRuntime } from './chain-node.ts'

export interface ProcessingTimersOptions {
  readonly nodes: readonly NodeRuntime[]
  readonly clock: Clock
  /** Timers fired between two looks at the deadline. */
  readonly workPerLook: number
  /** Asked before each timer. */
  readonly mayTakeInput: () => boolean
  /** After every callback: state is out of reach again (R15). */
  readonly endCallback: () => void
  /** Adds the current key to a failure of a callback (R39). */
  readonly nameKey: (error: unknown) => Error
}

/**
 * The processing-time timers of a subtask's chain: a timer for T fires once the clock is past T (semantics 2.5). Those that
 * the clock has not come to when all input has ended fire with the final watermark, see `WatermarkCascade`.
 */
export class ProcessingTimers {
  readonly #options: ProcessingTimersOptions
  readonly #nodes: readonly NodeRuntime[]

  constructor(options: ProcessingTimersOptions) {
    this.#options = options
    this.#nodes = options.nodes.filter((node) => node.timers !== undefined)
  }

  /** The earliest timestamp over all nodes, Infinity if there is none, or it is being read. */
  get next(): number {
    let next = Infinity
    for (const { timers } of this.#nodes) {
      if (!timers!.isWaiting('processing')) next = Math.min(next, timers!.earliest('processing'))
    }
    return next
  }

  /** Fires timers below `now` as far as the deadline and what is behind allow; returns whether any fired. */
  fire(now: number, deadline: number): boolean {
    const { clock, workPerLook, mayTakeInput } = this.#options
    let fired = 0
    for (const node of this.#nodes) {
      const timers = node.timers!
      while (timers.earliest('processing') < now) {
        if (!mayTakeInput()) return fired > 0
        const isLook = fired > 0 && fired % workPerLook === 0
        if (isLook && clock.elapsed() >= deadline) return true
        const timestamp = timers.pop('processing', now - 1)
        if (timestamp === undefined) break
        fired++
        this.#fireTimer(node, timestamp)
      }
    }
    return fired > 0
  }

  #fireTimer(node: NodeRuntime, timestamp: number): void {
    try {
      node.fireProcessingTime(timestamp)
    } catch (error) {
      throw this.#options.nameKey(error)
    }
    this.#options.endCallback()
  }
}
