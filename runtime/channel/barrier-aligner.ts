import type { CheckpointBarrier } from '../element.ts'

/** What a barrier led to: its checkpoint is aligned, or waits for other inputs, or is over already. */
export type BarrierOutcome = 'aligned' | 'waiting' | 'ignored'

/**
 * Waits until the same barrier has come from all inputs of a subtask; meanwhile those that have delivered it are blocked.
 *
 * ```
 *          first barrier of id n                    last missing input: barrier or end of input
 *   idle ─────────────────────────▶ pending n ──────────────────────────────────────────────────▶ idle, n is over
 *     ▲                              │    │  barrier of id m > n: n is over, all unblocked, pending m
 *     └────────── abort(n) ──────────┘    └──▶ pending m
 * ```
 *
 * Barriers of a checkpoint that is over (aligned, aborted or subsumed by a newer one) are ignored and block nothing. An
 * input that has ended counts as having delivered every later barrier (R9), and one that gave both counts once. With a
 * single input a barrier is aligned at once.
 *
 * Pure: it keeps no channels and takes no snapshots. Each call costs O(inputs) at most, `isBlocked` O(1).
 */
export class BarrierAligner {
  readonly #delivered: boolean[]
  readonly #ended: boolean[]
  #open: number
  #missing = 0
  #pending: CheckpointBarrier | undefined
  /** Highest id of which all is known: its barriers, and older ones, are ignored. */
  #over = 0

  constructor(channels: number) {
    this.#delivered = Array.from({ length: channels }, () => false)
    this.#ended = Array.from({ length: channels }, () => false)
    this.#open = channels
  }

  /** The barrier that some inputs have delivered and others not. */
  get pending(): CheckpointBarrier | undefined {
    return this.#pending
  }

  /** The inputs whose barrier is missing while one is pending; O(inputs). */
  get missing(): number[] {
    if (this.#pending === undefined) return []
    const inputs = this.#delivered.keys()
    return [...inputs].filter((input) => !this.#delivered[input] && !this.#ended[input])
  }

  /** Whether nothing may be taken from an input, since it is ahead of the others. */
  isBlocked(input: number): boolean {
    return this.#delivered[input]!
  }

  /** A barrier came from an input. When it is `aligned`, the snapshot is due and no input is blocked any more. */
  barrier(input: number, barrier: CheckpointBarrier): BarrierOutcome {
    const { checkpointId } = barrier
    if (checkpointId <= this.#over || this.#ended[input]) return 'ignored'
    const pendingId = this.#pending?.checkpointId ?? 0
    if (checkpointId < pendingId) return 'ignored'
    if (checkpointId > pendingId) this.#begin(barrier)
    if (this.#delivered[input]) return 'waiting'
    this.#delivered[input] = true
    return this.#isComplete() ? 'aligned' : 'waiting'
  }

  /** An input has ended. True if the pending barrier was missing from it only: it is aligned now. */
  endOfInput(input: number): boolean {
    if (this.#ended[input]) return false
    this.#ended[input] = true
    this.#open--
    if (this.#pending === undefined || this.#delivered[input]) return false
    return this.#isComplete()
  }

  /** The checkpoint is not going to be: inputs that waited for it go on, and its later barriers are ignored. */
  abort(checkpointId: number): void {
    if (checkpointId <= this.#over) return
    if (this.#pending !== undefined && this.#pending.checkpointId > checkpointId) return
    this.#finish(checkpointId)
  }

  #begin(barrier: CheckpointBarrier): void {
    if (this.#pending !== undefined) this.#finish(this.#pending.checkpointId)
    this.#pending = barrier
    this.#missing = this.#open
  }

  /** One input less is missing; true if that was the last one. */
  #isComplete(): boolean {
    this.#missing--
    if (this.#missing > 0) return false
    this.#finish(this.#pending!.checkpointId)
    return true
  }

  #finish(checkpointId: number): void {
    this.#over = checkpointId
    this.#pending = undefined
    this.#delivered.fill(false)
  }
}
