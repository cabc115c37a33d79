import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { ownCode } from '../runtime/own-code.ts'
import { ErrorPolicy, type OnError } from './error-policy.ts'
import {
  type FunctionLifecycle,
  functionObject,
  FunctionRun,
  type Synchronous,
} from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { refusePromise } from './synchronous.ts'

/** What the type of an asynchronous map function says. */
export type MapMustBeSynchronous = 'map must not return a Promise: use asyncMap'

/** Makes one record of each: a plain function, or an object where it has to be opened and closed (R21). */
export type MapFunction<T, R> =
  | ((value: T) => Synchronous<R, MapMustBeSynchronous>)
  | (FunctionLifecycle & { map(value: T): Synchronous<R, MapMustBeSynchronous> })

/** The operator behind `map`. */
export function mapSpec<T, R>(
  map: MapFunction<T, R>,
  onError: OnError<T> | undefined,
): OperatorSpec {
  const object = functionObject<MapObject>(map, 'map')
  return {
    operatorKind: 'map',
    factory: (context) => new MapOperator(object, new ErrorPolicy(onError, context, WHAT), context),
  }
}

const WHAT = 'the map function'

type MapObject = FunctionLifecycle & { map(value: never): unknown }

class MapOperator extends FunctionRun implements Operator<never> {
  declare readonly processElement: ProcessElement

  constructor(map: MapObject, errors: ErrorPolicy, context: OperatorContext) {
    super(map, context)
    const make = ownCode(mapTo, import.meta.url)
    this.processElement = make(map, errors, context.output, refusePromise, WHAT)
  }
}

type ProcessElement = Operator<never>['processElement']

function mapTo(
  object: MapObject,
  errors: ErrorPolicy,
  output: Output,
  refuse: typeof refusePromise,
  what: string,
): ProcessElement {
  return function processElement(value, timestamp) {
    let result: unknown
    try {
      result = object.map(value)
    } catch (error) {
      errors.handle(error, value, timestamp)
      return
    }
    if (typeof result === 'object') refuse(result, what)
    output.emit(result, timestamp)
  }
}
