import { MIN_TIMESTAMP } from '../../../runtime/element.ts'
import type { Operator, Readiness } from '../../../runtime/operator.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import type { Subtask } from '../../../runtime/task/subtask.ts'

type Held = { readonly value: unknown; readonly timestamp: number } | { readonly watermark: number }

/** An operator that holds every record and watermark back, in order, until the test lets so many of them go. */
export class Holder implements Operator {
  readonly held: Held[] = []
  readonly log: string[]
  readonly #node: NodeRuntime
  readonly #capacity: number
  #released = 0
  #subtask!: Subtask

  constructor(node: NodeRuntime, capacity = Infinity, log: string[] = []) {
    this.#node = node
    this.#capacity = capacity
    this.log = log
    node.body = { kind: 'operator', operator: this }
  }

  attach(subtask: Subtask): void {
    this.#subtask = subtask
  }

  release(count: number): void {
    this.#released += count
  }

  get readiness(): Readiness {
    return this.held.length >= this.#capacity ? 'full' : 'ready'
  }

  get holdsBack(): boolean {
    return this.held.length > 0
  }

  processElement(value: unknown, timestamp: number): void {
    this.held.push({ value, timestamp })
    this.#subtask.wakeOperator()
  }

  processWatermark(watermark: number): number {
    if (!this.holdsBack) return watermark
    this.held.push({ watermark })
    this.#subtask.wakeOperator()
    return MIN_TIMESTAMP
  }

  work(_deadline: number, mayEmit: () => boolean): boolean {
    let worked = false
    while (this.#released > 0 && this.held.length > 0 && mayEmit()) {
      this.#released--
      worked = true
      const item = this.held.shift()!
      if ('value' in item) this.#node.outputs.get(undefined)!.emit(item.value, item.timestamp)
      else this.#subtask.chain.time.forward(this.#subtask.nodes.indexOf(this.#node), item.watermark)
    }
    return worked
  }

  endInput(): void {
    this.log.push(`end of input of ${this.#node.name}`)
  }

  snapshotState(): unknown {
    return this.held
  }
}
