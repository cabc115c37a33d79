import { MAX_TIMESTAMP } from '../element.ts'
import { invariant } from '../errors.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { WatermarkCascade } from './watermark-cascade.ts'

/**
 * The end of input in a chain, node by node: each operator is told, and has to let go of all that it holds back before those
 * behind it are told. May take many turns.
 */
export class ChainEnd {
  readonly #nodes: readonly NodeRuntime[]
  readonly #cascade: WatermarkCascade
  /** The node whose end of input is next, and whether it has been called already: it may hold something back. */
  #next = 0
  #hasCalled = false

  constructor(nodes: readonly NodeRuntime[], cascade: WatermarkCascade) {
    this.#nodes = nodes
    this.#cascade = cascade
  }

  /** Goes on as far as it can, behind the final watermark; returns whether all nodes have ended. */
  work(): boolean {
    const { watermark, name } = this.#nodes[0]!
    invariant(watermark === MAX_TIMESTAMP, `"${name}" ends at watermark ${watermark}`)
    for (; this.#next < this.#nodes.length; this.#next++) {
      const node = this.#nodes[this.#next]!
      if (node.body.kind !== 'operator') continue
      const { operator } = node.body
      if (!this.#hasCalled && operator.endInput !== undefined) {
        node.call('end of input', MAX_TIMESTAMP, () => operator.endInput!())
      }
      // What it holds back, the final watermark included, goes before the ends of those behind it.
      this.#hasCalled = operator.holdsBack === true || this.#cascade.isActive
      if (this.#hasCalled) return false
    }
    return true
  }
}
