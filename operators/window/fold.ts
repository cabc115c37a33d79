import { invariant, StreamError } from '../../runtime/errors.ts'
import type { FunctionLifecycle } from '../function.ts'
import { refusePromise } from '../synchronous.ts'
import type { AggregateFunction } from './aggregate-function.ts'

/** How the records of a window become one accumulator, and that a result; undefined is a window without records. */
export interface Fold {
  readonly kind: 'reduce' | 'aggregate'
  readonly lifecycle: FunctionLifecycle
  readonly canMerge: boolean
  add(accumulator: unknown, value: unknown): unknown
  result(accumulator: unknown): unknown
  merge(a: unknown, b: unknown): unknown
}

/** The fold of an aggregate function. */
export class AggregateFold implements Fold {
  readonly kind = 'aggregate'
  readonly lifecycle: AggregateFunction<unknown, unknown, unknown>
  readonly canMerge: boolean

  constructor(aggregate: AggregateFunction<unknown, unknown, unknown>) {
    this.lifecycle = aggregate
    this.canMerge = aggregate.merge !== undefined
  }

  add(accumulator: unknown, value: unknown): unknown {
    const before = accumulator === undefined ? this.#create() : accumulator
    const after = this.lifecycle.add(before, value)
    if (typeof after === 'object') refusePromise(after, 'add of the aggregate function')
    else if (after === undefined) throw missingAccumulator('add')
    return after
  }

  #create(): unknown {
    const empty = this.lifecycle.create()
    refusePromise(empty, 'create of the aggregate function')
    return empty
  }

  result(accumulator: unknown): unknown {
    const result = this.lifecycle.result(accumulator)
    if (typeof result === 'object') refusePromise(result, 'result of the aggregate function')
    return result
  }

  merge(a: unknown, b: unknown): unknown {
    const { lifecycle } = this
    invariant(lifecycle.merge !== undefined, 'an aggregate without merge is merged')
    const merged = lifecycle.merge(a, b)
    if (typeof merged === 'object') refusePromise(merged, 'merge of the aggregate function')
    else if (merged === undefined) throw missingAccumulator('merge')
    return merged
  }
}

/** A reduce function in the form of an object. */
export type ReduceObject = FunctionLifecycle & { reduce(reduced: unknown, value: unknown): unknown }

/** The fold of a reduce function: the first record is the first accumulator. */
export class ReduceFold implements Fold {
  readonly kind = 'reduce'
  readonly lifecycle: ReduceObject
  readonly canMerge = true

  constructor(reduce: ReduceObject) {
    this.lifecycle = reduce
  }

  add(accumulator: unknown, value: unknown): unknown {
    return accumulator === undefined ? value : this.merge(accumulator, value)
  }

  result(accumulator: unknown): unknown {
    return accumulator
  }

  merge(a: unknown, b: unknown): unknown {
    const reduced = this.lifecycle.reduce(a, b)
    if (typeof reduced === 'object') refusePromise(reduced, 'the reduce function')
    else if (reduced === undefined) {
      throw new StreamError(
        'MR_VALUE_UNSUPPORTED',
        'the reduce function came to undefined; the window would lose what is in it; return a value of the type of the records.',
      )
    }
    return reduced
  }
}

function missingAccumulator(method: string): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `${method} of the aggregate function returned undefined; the window would lose what is in it; return the accumulator, also when it was changed in place.`,
  )
}
