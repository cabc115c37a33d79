import { BarrierAligner } from '../channel/barrier-aligner.ts'
import type { RemoteInput } from '../channel/remote-input.ts'
import { WatermarkValve } from '../channel/watermark-valve.ts'
import { MIN_TIMESTAMP, type CheckpointBarrier, type WatermarkStatus } from '../element.ts'

/**
 * The inputs of a subtask, direct and remote alike: merges their watermarks, aligns their barriers, counts their ends.
 *
 * What arrives while a watermark is being fired is kept, not acted upon: the subtask asks again when it is done (R13).
 */
export class InputGate {
  readonly aligner: BarrierAligner
  readonly valve: WatermarkValve
  /** Remote inputs in the order of channels; direct ones have none. */
  readonly remotes: RemoteInput[] = []
  readonly #ended: boolean[]
  #open: number
  /** By input: whether something of a source with `readFirst` may still come; and how many of them there are. */
  readonly #readsFirst: boolean[]
  #readingFirst: number

  constructor(channels: number, restoredWatermark: number) {
    this.aligner = new BarrierAligner(channels)
    this.valve = new WatermarkValve(channels)
    if (restoredWatermark > MIN_TIMESTAMP) this.valve.restore(restoredWatermark)
    this.#ended = Array.from({ length: channels }, () => false)
    this.#open = channels
    this.#readsFirst = Array.from({ length: channels }, () => true)
    this.#readingFirst = channels
  }

  get hasEnded(): boolean {
    return this.#open === 0
  }

  /** Whether all that comes of sources with `readFirst` has been taken, of every input. */
  get hasReadFirst(): boolean {
    return this.#readingFirst === 0
  }

  /** Nothing of such a source follows on this input. */
  endOfReadFirst(input: number): void {
    if (!this.#readsFirst[input]) return
    this.#readsFirst[input] = false
    this.#readingFirst--
  }

  /** Returns the aligned barrier if this one completes it. */
  barrier(input: number, barrier: CheckpointBarrier): CheckpointBarrier | undefined {
    return this.aligner.barrier(input, barrier) === 'aligned' ? barrier : undefined
  }

  /** The input has ended; returns the barrier that this completes, since an end counts as delivered (R9). */
  endOfInput(input: number): CheckpointBarrier | undefined {
    if (this.#ended[input]) return undefined
    this.#ended[input] = true
    this.#open--
    this.endOfReadFirst(input)
    const pending = this.aligner.pending
    const isComplete = this.aligner.endOfInput(input)
    this.valve.setStatus(input, 'finished')
    return isComplete ? pending : undefined
  }

  watermark(input: number, timestamp: number): void {
    this.valve.advance(input, timestamp)
  }

  status(input: number, status: WatermarkStatus): void {
    this.valve.setStatus(input, status)
  }
}
