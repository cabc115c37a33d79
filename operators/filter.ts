import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { ownCode } from '../runtime/own-code.ts'
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
  declare readonly processElement: ProcessElement

  constructor(filter: FilterObject, errors: ErrorPolicy, context: OperatorContext) {
    super(filter, context)
    const make = ownCode(filterTo, import.meta.url)
    this.processElement = make(filter, errors, context.output, refusePromise, WHAT)
  }
}

type ProcessElement = Operator<never>['processElement']

function filterTo(
  object: FilterObject,
  errors: ErrorPolicy,
  output: Output,
  refuse: typeof refusePromise,
  what: string,
): ProcessElement {
  return function processElement(value, timestamp) {
    let stays: unknown
    try {
      stays = object.filter(value)
    } catch (error) {
      errors.handle(error, value, timestamp)
      return
    }
    // A promise would count as true.
    if (typeof stays === 'object') refuse(stays, what)
    if (stays) output.emit(value, timestamp)
  }
}
