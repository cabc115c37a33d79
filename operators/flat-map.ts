import { StreamError } from '../runtime/errors.ts'
import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { CallbackScope, Collector, type Out } from './collector.ts'
import { ErrorPolicy, type OnError } from './error-policy.ts'
import { type FunctionLifecycle, functionObject, FunctionRun } from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { refusePromise } from './synchronous.ts'

/**
 * Makes any number of records of each: returns them as an array, or emits them.
 *
 * A plain function, or an object where it has to be opened and closed (R21). Asynchronous ones do not compile, since a
 * promise is no array (N2).
 */
export type FlatMapFunction<T, R> =
  | ((value: T, out: Out<R>) => readonly R[] | void)
  | (FunctionLifecycle & { flatMap(value: T, out: Out<R>): readonly R[] | void })

/** The operator behind `flatMap`. */
export function flatMapSpec<T, R>(
  flatMap: FlatMapFunction<T, R>,
  onError: OnError<T> | undefined,
): OperatorSpec {
  const object = functionObject<FlatMapObject>(flatMap, 'flatMap')
  return {
    operatorKind: 'flat-map',
    factory: (context) => {
      return new FlatMapOperator(object, new ErrorPolicy(onError, context, WHAT), context)
    },
  }
}

const WHAT = 'the flatMap function'

type FlatMapObject = FunctionLifecycle & { flatMap(value: never, out: Out<never>): unknown }

class FlatMapOperator extends FunctionRun implements Operator<never> {
  readonly #function: FlatMapObject
  readonly #errors: ErrorPolicy
  readonly #scope: CallbackScope
  readonly #collector: Collector
  readonly #context: OperatorContext

  constructor(flatMap: FlatMapObject, errors: ErrorPolicy, context: OperatorContext) {
    super(flatMap, context)
    this.#scope = new CallbackScope(context.name)
    this.#function = flatMap
    this.#errors = errors
    this.#context = context
    this.#collector = new Collector(this.#scope, context.output)
  }

  processElement(value: never, timestamp: number): void {
    const scope = this.#scope
    scope.open(timestamp)
    let result: unknown
    try {
      result = this.#function.flatMap(value, this.#collector)
    } catch (error) {
      scope.close()
      scope.rethrow()
      this.#errors.handle(error, value, timestamp)
      return
    }
    scope.close()
    scope.rethrow()
    if (result !== undefined) emitAll(result, timestamp, this.#context.output, WHAT)
  }
}

/** Emits the records that a function has returned; fails with `MR_FUNCTION_FAILED` if that is no array. */
export function emitAll(result: unknown, timestamp: number, output: Output, what: string): void {
  refusePromise(result, what)
  if (!Array.isArray(result)) {
    throw new StreamError(
      'MR_FUNCTION_FAILED',
      `${what} returned something of type ${typeof result}; it cannot be spread into records; return an array, or emit to the collector and return nothing.`,
    )
  }
  for (const value of result) output.emit(value, timestamp)
}
