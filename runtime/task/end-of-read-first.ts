import type { NodeRuntime } from './chain-node.ts'
import { broadcastEndOfReadFirst } from './edge-output.ts'
import type { HoldingOperators } from './holding-operators.ts'
import type { InputGate } from './input-gate.ts'

export interface EndOfReadFirstOptions {
  readonly nodes: readonly NodeRuntime[]
  readonly holding: HoldingOperators
  /** Whether its source, or one that it reads from, waits for all sources with `readFirst`. */
  readonly isHeld: boolean
  readonly mayTakeInput: () => boolean
  /** Told, once, when the end has gone on. */
  readonly passed: () => void
}

/**
 * The end of what is read first, in one subtask (semantics 1.3): passes it on behind the last record that comes of it, and
 * knows whether its own source has to wait until all other subtasks have done so.
 */
export class EndOfReadFirst {
  readonly #options: EndOfReadFirstOptions
  #isHeld: boolean
  #hasPassed = false

  constructor(options: EndOfReadFirstOptions) {
    this.#options = options
    this.#isHeld = options.isHeld
  }

  /** Whether a source that it reads from, or is, must not be read yet: no time counts as idle meanwhile. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Everything is open: a source that is held has nothing to do with what is read first. Called once. */
  start(): void {
    if (this.#isHeld && this.#options.nodes[0]!.source !== undefined) this.#pass()
  }

  /** Goes on with the end once nothing of it is left here: in order with the records (R10). Returns whether it did. */
  follow(gate: InputGate): boolean {
    const { holding, mayTakeInput } = this.#options
    if (this.#hasPassed || !gate.hasReadFirst || holding.holdBack) return false
    if (!mayTakeInput()) return false
    this.#pass()
    return true
  }

  #pass(): void {
    this.#hasPassed = true
    for (const node of this.#options.nodes) broadcastEndOfReadFirst(node.edges)
    this.#options.passed()
  }

  /** What is read first has been processed everywhere: other sources may be read. */
  release(): void {
    this.#isHeld = false
  }
}
