import type { Key } from '../runtime/key.ts'
import type { KeyedContext, OperatorContext, OutputTag } from '../runtime/operator.ts'
import type { CallbackScope } from './collector.ts'
import { type FunctionContext, functionContext } from './function.ts'

/**
 * What a join function sees of the pair it is called for.
 *
 * One object an operator, so it must not be kept: but for `count` and `log` everything on it throws
 * `MR_STATE_OUTSIDE_CALLBACK` once the function has returned (R15).
 */
export interface IntervalJoinContext<K extends Key = Key> extends FunctionContext {
  readonly key: K
  readonly leftTimestamp: number
  readonly rightTimestamp: number
  /** The later of the two; records emitted get it. */
  readonly timestamp: number
  /** Emits to a side output, with the later timestamp of the two. */
  output<T>(tag: OutputTag<T>, value: NoInfer<T>): void
}

/** The one context object of an interval join. */
export class OperatorIntervalJoinContext implements IntervalJoinContext {
  readonly uid: string
  readonly subtaskIndex: number
  readonly parallelism: number
  readonly attempt: number
  readonly count: FunctionContext['count']
  readonly log: FunctionContext['log']
  readonly #context: OperatorContext
  readonly #keyed: KeyedContext
  readonly #scope: CallbackScope
  #leftTimestamp = NaN
  #rightTimestamp = NaN

  constructor(context: OperatorContext, keyed: KeyedContext, scope: CallbackScope) {
    const { uid, subtaskIndex, parallelism, attempt, count, log } = functionContext(context)
    this.uid = uid
    this.subtaskIndex = subtaskIndex
    this.parallelism = parallelism
    this.attempt = attempt
    this.count = count
    this.log = log
    this.#context = context
    this.#keyed = keyed
    this.#scope = scope
  }

  /** The pair that the function is called for next. */
  setPair(leftTimestamp: number, rightTimestamp: number): void {
    this.#leftTimestamp = leftTimestamp
    this.#rightTimestamp = rightTimestamp
  }

  get key(): Key {
    this.#scope.check('the key')
    return this.#keyed.currentKey
  }

  get leftTimestamp(): number {
    this.#scope.check('a timestamp')
    return this.#leftTimestamp
  }

  get rightTimestamp(): number {
    this.#scope.check('a timestamp')
    return this.#rightTimestamp
  }

  get timestamp(): number {
    this.#scope.check('the timestamp')
    return this.#scope.timestamp
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.#scope.emit(this.#context.sideOutput(tag), value, 'a side output')
  }
}
