import type { WatermarkValve } from '../channel/watermark-valve.ts'
import type { WatermarkStatus } from '../element.ts'
import type { WatermarkOutput } from '../operator.ts'
import type { NodeRuntime } from './chain-node.ts'
import { broadcastStatus } from './edge-output.ts'
import type { HoldingOperators } from './holding-operators.ts'
import type { WatermarkCascade } from './watermark-cascade.ts'

export interface ChainTimeOptions {
  readonly nodes: readonly NodeRuntime[]
  /** Where the heads stand in the chain. */
  readonly heads: readonly number[]
  readonly holding: HoldingOperators
  readonly cascade: WatermarkCascade
  /** Whether all that is behind takes more. */
  readonly outputsReady: () => boolean
  /** The deadline of the slot's current turn, in `clock.elapsed()` ms. */
  readonly deadline: () => number
  /** A watermark being fired needs another turn. */
  readonly wake: () => void
}

/**
 * Event time within a chain: statuses pass from node to node at once, watermarks by the cascade, which may take turns.
 *
 * ACTIVE goes before the watermark that ends idleness, or that would be dropped; IDLE goes after the one that came with it.
 */
export class ChainTime {
  readonly #options: ChainTimeOptions
  readonly #nodes: readonly NodeRuntime[]
  readonly #heads: readonly number[]
  readonly #holding: HoldingOperators
  readonly #cascade: WatermarkCascade
  /** What the inputs were when the heads last followed them. */
  #inputStatus: WatermarkStatus = 'active'

  constructor(options: ChainTimeOptions) {
    this.#options = options
    this.#nodes = options.nodes
    this.#heads = options.heads
    this.#holding = options.holding
    this.#cascade = options.cascade
  }

  /** After a restore: tells those behind where time stood, since they know only their own minimum. */
  announce(): void {
    for (const node of this.#nodes) this.#cascade.announce(node)
  }

  /**
   * Takes over what the valve has come to; returns whether it did. While a watermark is being fired (R13) or an output
   * takes nothing (R6) it waits in the valve, and the next turn asks again.
   */
  followValve(valve: WatermarkValve): boolean {
    if (this.#cascade.isActive) return false
    if (!this.#isBehind(valve) || !this.#options.outputsReady()) return false
    const { watermark, status } = valve
    if (status === 'active') this.#setInputStatus(status)
    if (watermark > this.#headWatermark) {
      for (const head of this.#heads) this.#cascade.offer(head, watermark)
      this.runCascade()
      if (this.#cascade.isActive) return true
    }
    if (status === 'idle') this.#setInputStatus(status)
    return true
  }

  /** Whether all that the valve has come to has been taken over, and every timer up to it has fired. */
  hasFollowed(valve: WatermarkValve): boolean {
    return !this.#cascade.isActive && !this.#isBehind(valve)
  }

  #isBehind({ watermark, status }: WatermarkValve): boolean {
    if (watermark > this.#headWatermark) return true
    return status !== this.#inputStatus && status !== 'finished'
  }

  get #headWatermark(): number {
    return this.#nodes[this.#heads[0]!]!.watermark
  }

  #setInputStatus(status: WatermarkStatus): void {
    if (this.#inputStatus === status) return
    this.#inputStatus = status
    for (const head of this.#heads) this.#followStatus(head, status)
  }

  /** Takes over the status of its input, unless the operator generates watermarks and has its own (semantics 2.6). */
  #followStatus(nodeIndex: number, status: WatermarkStatus): void {
    const { body } = this.#nodes[nodeIndex]!
    if (body.kind === 'operator' && body.operator.onTick !== undefined) return
    if (status === 'idle' && this.#holding.holdsIdle(nodeIndex)) return
    this.#holding.forgetIdle(nodeIndex)
    this.setStatus(nodeIndex, status)
  }

  /** Sets the status of a node and passes it through the chain. */
  setStatus(nodeIndex: number, status: WatermarkStatus): void {
    const node = this.#nodes[nodeIndex]!
    if (node.status === status) return
    node.status = status
    broadcastStatus(node.edges, status)
    for (const child of node.children) this.#followStatus(child, status)
  }

  /** Passes on that inputs are idle where what was held back has gone by now. */
  passReleasedIdle(): void {
    // IDLE goes after a watermark that has been let go and is still being fired.
    if (this.#cascade.isActive) return
    for (const index of this.#holding.releasedIdle()) this.setStatus(index, 'idle')
  }

  /** A node that makes its own time, source or operator, has looked at it. */
  advance(nodeIndex: number, status: WatermarkStatus, moveWatermark: () => void): void {
    if (status === 'active') this.setStatus(nodeIndex, status)
    moveWatermark()
    this.runCascade()
    if (status === 'idle' && !this.#cascade.isActive) this.setStatus(nodeIndex, status)
  }

  /** The source has spoken again: ACTIVE goes before its record, or time would run past it. */
  sourceIsActive(): void {
    this.setStatus(0, 'active')
  }

  /** A record that has just left the source carried a watermark. */
  sourceWatermark(watermark: number): void {
    this.#cascade.passBehindRecord(this.#nodes[0]!, watermark)
  }

  /** For the operator of a node, which may generate watermarks. */
  watermarkOutput(node: NodeRuntime): WatermarkOutput {
    const index = this.#nodes.indexOf(node)
    return {
      emitWatermark: (timestamp) => this.#cascade.forwardBehindRecord(node, timestamp),
      markActive: () => this.setStatus(index, 'active'),
    }
  }

  /** An operator lets go of a watermark that it has held back. */
  forward(nodeIndex: number, watermark: number): void {
    const { isActive } = this.#cascade
    this.#cascade.forwardFrom(this.#nodes[nodeIndex]!, watermark)
    if (!isActive) this.runCascade()
  }

  /** Fires what has been offered to the cascade as far as the turn allows. */
  runCascade(): void {
    if (!this.#cascade.run(this.#options.deadline())) this.#options.wake()
  }
}
