import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { ErrorPolicy, type OnError } from './error-policy.ts'
import { type FunctionLifecycle, functionObject, FunctionRun } from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { refusePromise } from './synchronous.ts'

/** Says which records stay: a plain function, or an object where it has to be opened and closed (R21). */
export type FilterFunction<T> =
  ((value: T) => boolean) | (FunctionLifecycle & { filter(value: T): boolean })

/** The operator behind `filter`. */
export function filterSpec<T>(
  filter: FilterFunction<T>,
  onError: OnError<T> | undefined,
): OperatorSpec {
  const object = functionObject<FilterObject>(filter, 'filter')
  return {
    operatorKind: 'filter',
    factory: (context) => {
      return new FilterOperator(object, new ErrorPolicy(onError, context, WHAT), context)
    },
  }
}

const WHAT = 'the filter function'

type FilterObject = FunctionLifecycle & { filter(value: never): unknown }

class FilterOperator extends FunctionRun implements Operator<never> {
  readonly #function: FilterObject
  readonly #errors: ErrorPolicy
  readonly #output: Output

  constructor(filter: FilterObject, errors: ErrorPolicy, context: OperatorContext) {
    super(filter, context)
    this.#function = filter
    this.#errors = errors
    this.#output = context.output
  }

  processElement(value: never, timestamp: number): void {
    let stays: unknown
    try {
      stays = this.#function.filter(value)
    } catch (error) {
      this.#errors.handle(error, value, timestamp)
      return
    }
    // A promise would count as true.
    if (typeof stays === 'object') refusePromise(stays, WHAT)
    if (stays) this.#output.emit(value, timestamp)
  }
}
