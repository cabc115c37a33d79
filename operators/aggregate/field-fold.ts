import type { FunctionLifecycle } from '../function.ts'
import type { Fold } from '../window/fold.ts'
import type { FieldAggregate } from './field-aggregate.ts'

/**
 * The fold behind `sum`, `min`, `max`, `minBy` and `maxBy` of a windowed stream. What a window has come to is a record, so two
 * windows are put together as a record is added.
 */
export class FieldFold implements Fold {
  readonly kind = 'reduce'
  readonly lifecycle: FunctionLifecycle = {}
  readonly canMerge = true
  readonly #aggregate: FieldAggregate

  constructor(aggregate: FieldAggregate) {
    this.#aggregate = aggregate
  }

  add(soFar: unknown, record: unknown): unknown {
    return this.#aggregate(soFar, record)
  }

  result(record: unknown): unknown {
    return record
  }

  merge(a: unknown, b: unknown): unknown {
    return this.#aggregate(a, b)
  }
}
