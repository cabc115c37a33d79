import type { Clock } from '../clock.ts'
import type { WatermarkStatus } from '../element.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { RecordOrigin } from './record-origin.ts'
import type { AlignedSource } from './slot-alignment.ts'
import type { SourceDriver } from './source-driver.ts'
import type { WatermarkTicks } from './watermark-ticks.ts'

export interface SourcePollingOptions {
  readonly node: NodeRuntime
  readonly ticks: WatermarkTicks
  readonly clock: Clock
  readonly origin: RecordOrigin
  /** Records between two looks at the deadline. */
  readonly workPerLook: number
  readonly mayTakeInput: () => boolean
  /** Whether other sources are to be read first. */
  readonly isHeld: () => boolean
  /** Its input has ended, by itself or by `drain`. */
  readonly ended: () => void
  readonly hasEnded: () => boolean
  /** It may have something to do. */
  readonly wake: () => void
}

/** Asks the source of a chain for records, as many as its turn and those behind it allow. */
export class SourcePolling {
  readonly #options: SourcePollingOptions
  /** It had nothing when it was last asked. */
  #waits = false
  #isDraining = false

  constructor(options: SourcePollingOptions) {
    this.#options = options
  }

  /** Takes records until the deadline, or about `quantum` of them; returns whether it did anything. */
  poll(source: SourceDriver, deadline: number, quantum: number): boolean {
    const { node, ticks, clock, origin, workPerLook, mayTakeInput, isHeld } = this.#options
    if (this.#isDraining && mayTakeInput()) return this.#end()
    let left = quantum
    if (isHeld()) return false
    while (left > 0 && !this.#waits && !source.isPaused && mayTakeInput()) {
      source.hold(false)
      const caller = node.enter()
      origin.enter(source.reader)
      const result = source.poll(Math.min(left, workPerLook))
      origin.enter(undefined)
      node.leave(caller)
      left -= workPerLook
      if (result === 'end') return this.#end()
      if (result === 'wait') this.#waits = true
      if (ticks.hasAsked(workPerLook)) break
      if (clock.elapsed() >= deadline) break
    }
    return left < quantum
  }

  #end(): boolean {
    this.#options.ended()
    return true
  }

  /** Its input is to end, as if it were bounded and at its end (R14). */
  drain(): void {
    this.#isDraining = true
  }

  /** It may have something again. */
  resume(): void {
    this.#waits = false
  }

  /** It, as far as it keeps together with others in event time; undefined where it does not. */
  aligned(vertex: number): AlignedSource | undefined {
    const { node, ticks, hasEnded, wake } = this.#options
    const { source } = node
    const alignment = source?.alignment
    if (source === undefined || alignment === undefined) return undefined
    const status = (): WatermarkStatus => (hasEnded() ? 'finished' : source.status)
    return {
      vertex,
      alignment,
      get watermark() {
        return source.watermark
      },
      get status() {
        return status()
      },
      align: (minimum) => {
        source.align(minimum)
        ticks.request()
        this.resume()
        wake()
      },
    }
  }
}
