import type { Key } from '../runtime/key.ts'
import type { KeyedContext, OperatorContext, OutputTag } from '../runtime/operator.ts'
import { CallbackContext } from './callback-context.ts'
import type { CallbackScope } from './collector.ts'
import { contextLacks } from './context-lacks.ts'
import type { FunctionContext } from './function.ts'

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
export class OperatorIntervalJoinContext extends CallbackContext implements IntervalJoinContext {
  readonly #keyed: KeyedContext
  readonly #scope: CallbackScope
  #leftTimestamp = NaN
  #rightTimestamp = NaN

  constructor(context: OperatorContext, keyed: KeyedContext, scope: CallbackScope) {
    super(context, scope)
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

  // What these functions do not have, for those without types.

  get state(): never {
    throw contextLacks(
      'state',
      'an interval join keeps its records itself; what needs more state is a coProcessFunction({ state, … }) over connected streams',
    )
  }

  get timers(): never {
    throw contextLacks(
      'timers',
      'an interval join has no timers of yours; what needs them is a coProcessFunction({ … }) over connected streams',
    )
  }
}
