import type { OperatorContext, OutputTag } from '../runtime/operator.ts'
import type { CallbackScope } from './collector.ts'
import { type FunctionContext, functionContext } from './function.ts'

/**
 * What the one context object of every operator with callbacks has: its place in the job, and side outputs with the timestamp
 * of the callback. What belongs to a callback throws `MR_STATE_OUTSIDE_CALLBACK` once that has returned (R15).
 */
export class CallbackContext implements FunctionContext {
  readonly uid: string
  readonly subtaskIndex: number
  readonly parallelism: number
  readonly attempt: number
  readonly count: FunctionContext['count']
  readonly log: FunctionContext['log']
  readonly #context: OperatorContext
  readonly #scope: CallbackScope

  constructor(context: OperatorContext, scope: CallbackScope) {
    const { uid, subtaskIndex, parallelism, attempt, count, log } = functionContext(context)
    this.uid = uid
    this.subtaskIndex = subtaskIndex
    this.parallelism = parallelism
    this.attempt = attempt
    this.count = count
    this.log = log
    this.#context = context
    this.#scope = scope
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.#scope.emit(this.#context.sideOutput(tag), value, 'a side output')
  }
}
