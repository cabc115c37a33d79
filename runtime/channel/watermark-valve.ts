import { MAX_TIMESTAMP, MIN_TIMESTAMP, type WatermarkStatus } from '../element.ts'
import { IndexedHeap } from './indexed-heap.ts'

/**
 * Merges the watermarks of all input channels of a subtask into one.
 *
 * | channels | watermark | status |
 * | --- | --- | --- |
 * | any active | the minimum over the active ones | active |
 * | none active, any idle | the maximum over the idle ones | idle |
 * | all finished | the highest there is | finished |
 *
 * A channel whose watermark is the final one has finished. The result never decreases: a channel that becomes active
 * again with an older watermark holds the result back until it catches up, but does not lower it. Finished channels are
 * left out for good, so that what they said last cannot push the others on (Flink's FLINK-38477). Channels start active
 * at the lowest watermark.
 *
 * Pure: it keeps no channels and reads no clock. Each call costs O(log channels).
 */
export class WatermarkValve {
  readonly #watermarks: Float64Array
  readonly #statuses: WatermarkStatus[]
  readonly #active: IndexedHeap
  /** By the negated watermark, so that the least is the highest. */
  readonly #idle: IndexedHeap
  #watermark = MIN_TIMESTAMP

  constructor(channels: number) {
    this.#watermarks = new Float64Array(channels).fill(MIN_TIMESTAMP)
    this.#statuses = Array.from({ length: channels }, () => 'active')
    this.#active = new IndexedHeap(channels)
    this.#idle = new IndexedHeap(channels)
    for (let input = 0; input < channels; input++) this.#active.set(input, MIN_TIMESTAMP)
  }

  get watermark(): number {
    return this.#watermark
  }

  /** The active channel that stands lowest, and where; undefined when none is active. */
  get lowest(): { readonly input: number; readonly watermark: number } | undefined {
    const input = this.#active.first
    return input === undefined ? undefined : { input, watermark: this.#watermarks[input]! }
  }

  get status(): WatermarkStatus {
    if (this.#active.size > 0) return 'active'
    return this.#idle.size > 0 ? 'idle' : 'finished'
  }

  /** The merged watermark of the checkpoint that is restored: it does not fall below that (R12). */
  restore(watermark: number): void {
    this.#watermark = Math.max(this.#watermark, watermark)
  }

  /**
   * A watermark came from a channel. One that is not above the channel's last, or from one that is idle or finished, changes
   * nothing; but the final one is the end of an idle channel too (semantics 2.6).
   */
  advance(input: number, timestamp: number): void {
    if (!(timestamp > this.#watermarks[input]!) || this.#statuses[input] === 'finished') return
    if (timestamp === MAX_TIMESTAMP) {
      // Nothing can follow; until its end of input comes it must not take the others, idle, along with it.
      this.setStatus(input, 'finished')
      return
    }
    if (this.#statuses[input] === 'idle') return
    this.#watermarks[input] = timestamp
    if (this.#statuses.length === 1) {
      this.#raise(timestamp)
      return
    }
    this.#active.set(input, timestamp)
    this.#recompute()
  }

  /** A channel has become active or idle, or has finished, which is for good. */
  setStatus(input: number, status: WatermarkStatus): void {
    const previous = this.#statuses[input]!
    if (previous === status || previous === 'finished') return
    this.#statuses[input] = status
    if (previous === 'active') this.#active.delete(input)
    else this.#idle.delete(input)
    if (status === 'active') this.#active.set(input, this.#watermarks[input]!)
    else if (status === 'idle') this.#idle.set(input, -this.#watermarks[input]!)
    this.#recompute()
  }

  #recompute(): void {
    if (this.#active.size > 0) this.#raise(this.#active.least)
    else if (this.#idle.size > 0) this.#raise(-this.#idle.least)
    else this.#raise(MAX_TIMESTAMP)
  }

  #raise(watermark: number): void {
    if (watermark > this.#watermark) this.#watermark = watermark
  }
}
