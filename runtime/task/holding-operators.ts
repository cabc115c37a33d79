import { MIN_TIMESTAMP } from '../element.ts'
import type { Operator } from '../operator.ts'
import type { NodeRuntime } from './chain-node.ts'

export interface HoldingOperatorsOptions {
  readonly nodes: readonly NodeRuntime[]
  /** Whether whatever is behind the chain, and its state, take more. */
  readonly outputsReady: () => boolean
  /** After every callback: state is out of reach again (R15). */
  readonly endCallback: () => void
}

/** An operator that holds records back or works between inputs, and where it stands in the chain. */
interface Holder {
  readonly index: number
  readonly node: NodeRuntime
  /** Whatever its output reaches within the chain. */
  readonly behind: readonly NodeRuntime[]
  readonly operator: Operator
  readonly mayEmit: () => boolean
}

/**
 * The operators of a chain that do not finish with an input when they return from it: those that wait for answers, and those
 * that have more to do than fits into one turn.
 *
 * They may emit while nodes before them fire a watermark, or the chain would wait for itself, but never in front of a
 * watermark that a node behind them is still firing (R13). Nodes beside them, of another head, do not matter.
 */
export class HoldingOperators {
  readonly #options: HoldingOperatorsOptions
  readonly #holders: Holder[] = []
  /** By index of a node: those that its output reaches. */
  readonly #holdersBehind: Holder[][] = []
  /** Indexes of nodes whose input is idle, which they pass on once they hold nothing back. */
  readonly #idleHeld: Set<number> = new Set()

  constructor(options: HoldingOperatorsOptions) {
    this.#options = options
  }

  /** The operators are there: finds those that hold back. Called once. */
  start(): void {
    const { nodes } = this.#options
    const behind = nodes.map((): Set<number> => new Set())
    for (let index = nodes.length - 1; index >= 0; index--) {
      for (const child of nodes[index]!.children) {
        for (const reached of [child, ...behind[child]!]) behind[index]!.add(reached)
      }
    }
    for (const [index, node] of nodes.entries()) {
      if (node.body.kind !== 'operator') continue
      const { operator } = node.body
      if (operator.work === undefined) continue
      const holder: Holder = {
        index,
        node,
        behind: [...behind[index]!].map((reached) => nodes[reached]!),
        operator,
        mayEmit: () => this.#mayEmit(holder),
      }
      this.#holders.push(holder)
    }
    for (const reached of behind) {
      this.#holdersBehind.push(this.#holders.filter(({ index }) => reached.has(index)))
    }
  }

  /** Whether there are any. */
  get areThere(): boolean {
    return this.#holders.length > 0
  }

  /** Whether all of them take input. */
  get areReady(): boolean {
    return allReady(this.#holders)
  }

  /** Whether those that the output of a node reaches take input. */
  areReadyBehind(nodeIndex: number): boolean {
    return allReady(this.#holdersBehind[nodeIndex] ?? [])
  }

  /** Whether one of them is in the middle of an input, so that no barrier may be taken either. */
  get isBusy(): boolean {
    return this.#holders.some(({ operator }) => operator.readiness === 'busy')
  }

  /** Whether one of them has something of its input that it has not emitted yet. */
  get holdBack(): boolean {
    return this.#holders.some(({ operator }) => operator.holdsBack === true)
  }

  /** Lets them work, downstream first; returns whether any did something. */
  work(deadline: number): boolean {
    let worked = false
    for (let i = this.#holders.length - 1; i >= 0; i--) {
      const { node, operator, mayEmit } = this.#holders[i]!
      node.call('work', MIN_TIMESTAMP, () => {
        if (operator.work!(deadline, mayEmit)) worked = true
      })
      this.#options.endCallback()
    }
    return worked
  }

  #mayEmit({ index, behind }: Holder): boolean {
    for (const node of behind) if (node.pending !== MIN_TIMESTAMP) return false
    return this.areReadyBehind(index) && this.#options.outputsReady()
  }

  /** An input has become idle; whether its node still holds something back, which has to go first. */
  holdsIdle(index: number): boolean {
    const { body } = this.#options.nodes[index]!
    if (body.kind !== 'operator' || body.operator.holdsBack !== true) return false
    this.#idleHeld.add(index)
    return true
  }

  /** The input is active again. */
  forgetIdle(index: number): void {
    this.#idleHeld.delete(index)
  }

  /** Indexes of the nodes that may pass on by now that their input is idle. */
  releasedIdle(): number[] {
    if (this.#idleHeld.size === 0) return []
    const released = this.#holders
      .filter(({ index, operator }) => this.#idleHeld.has(index) && operator.holdsBack !== true)
      .map(({ index }) => index)
    for (const index of released) this.#idleHeld.delete(index)
    return released
  }
}

function allReady(holders: readonly Holder[]): boolean {
  for (const { operator } of holders) {
    if ((operator.readiness ?? 'ready') !== 'ready') return false
  }
  return true
}
