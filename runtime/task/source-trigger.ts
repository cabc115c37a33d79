import type { CheckpointBarrier } from '../element.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { SourceDriver } from './source-driver.ts'

/** What an enumerator has for the reader of a subtask: splits, or that there are no more. */
export type Assignment = (source: SourceDriver) => void

/**
 * Keeps triggers and assignments in the order in which they came to a source: what is assigned behind a trigger waits for the
 * barrier, since the enumerator's part of that checkpoint still has it (R31).
 */
export class SourceTrigger {
  readonly #node: NodeRuntime
  #trigger: CheckpointBarrier | undefined
  #assignments: Assignment[] = []

  /** The node of the source; its body need not be there before the first trigger or assignment. */
  constructor(node: NodeRuntime) {
    this.#node = node
  }

  /** The barrier to inject as soon as nothing forbids it. */
  get pending(): CheckpointBarrier | undefined {
    return this.#trigger
  }

  trigger(barrier: CheckpointBarrier): void {
    // An earlier trigger that came to nothing: what was assigned behind it is before this one.
    this.#assignHeld()
    this.#trigger = barrier
  }

  assign(assignment: Assignment): void {
    this.#assignments.push(assignment)
    if (this.#trigger === undefined) this.#assignHeld()
  }

  /** Hands the pending barrier to `take`, and then the reader what was assigned behind it. */
  inject(take: (barrier: CheckpointBarrier) => void): void {
    const barrier = this.#trigger!
    this.#trigger = undefined
    take(barrier)
    this.#assignHeld()
  }

  /** The checkpoint will not be: its barrier is no longer to be injected. */
  abort(checkpointId: number): void {
    if (this.#trigger?.checkpointId !== checkpointId) return
    this.#trigger = undefined
    this.#assignHeld()
  }

  #assignHeld(): void {
    const { source } = this.#node
    if (source !== undefined) for (const assign of this.#assignments.splice(0)) assign(source)
  }
}
