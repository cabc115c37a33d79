import { checkOutputTag, type OutputTag } from '../../runtime/operator.ts'
import { outsideCallback } from '../collector.ts'
import { contextLacks } from '../context-lacks.ts'
import type { FunctionContext } from '../function.ts'
import type { AsyncContext } from './async-function.ts'

/** What a call has emitted to a side output. */
export interface SideRecord {
  readonly tag: OutputTag<unknown>
  readonly value: unknown
}

const NONE: readonly SideRecord[] = []

/**
 * One call of an asynchronous function, as the function sees it. Its abort controller is made when somebody asks for the signal,
 * since it costs more than all else of a call.
 */
export class AsyncCall implements AsyncContext {
  readonly timestamp: number
  readonly callNumber: number
  readonly #shared: FunctionContext
  #controller: AbortController | undefined
  #sides: SideRecord[] | undefined
  #isOver = false
  #aborted: { readonly reason: unknown } | undefined

  constructor(shared: FunctionContext, timestamp: number, callNumber: number) {
    this.#shared = shared
    this.timestamp = timestamp
    this.callNumber = callNumber
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  /** Nobody waits for the answer any more. */
  abort(reason: unknown): void {
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    checkOutputTag(tag, 'ctx.output()')
    if (this.#isOver) throw outsideCallback(this.#shared.uid, 'a side output')
    this.#sides ??= []
    this.#sides.push({ tag, value })
  }

  /** For the timeout method: what was emitted by now is left out, and it may emit, also where the call has ended. */
  beginAnew(): void {
    this.#sides = undefined
    this.#isOver = false
  }

  /** Nothing is emitted any more; returns what was. */
  end(): readonly SideRecord[] {
    this.#isOver = true
    return this.#sides ?? NONE
  }

  get uid(): string {
    return this.#shared.uid
  }

  get subtaskIndex(): number {
    return this.#shared.subtaskIndex
  }

  get parallelism(): number {
    return this.#shared.parallelism
  }

  get attempt(): number {
    return this.#shared.attempt
  }

  count(counter: string, by?: number): void {
    this.#shared.count(counter, by)
  }

  log(...values: readonly unknown[]): void {
    this.#shared.log(...values)
  }

  // What these functions do not have, for those without types.

  get state(): never {
    throw contextLacks(
      'state',
      'records come and go while an answer is waited for; read state in a processFunction({ state, … }) before or behind it',
    )
  }

  get timers(): never {
    throw contextLacks(
      'timers',
      'records come and go while an answer is waited for; register timers in a processFunction({ … }) before or behind it',
    )
  }

  get key(): never {
    throw contextLacks(
      'key',
      'records come and go while an answer is waited for; take the key in a processFunction({ state, … }) before or behind it',
    )
  }
}
