import { StreamError } from '../runtime/errors.ts'
import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { type ValueState, valueState } from '../runtime/state/state.ts'
import { type FunctionLifecycle, functionObject, FunctionRun } from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { keyedOf, namedStates } from './process-context.ts'
import { refusePromise } from './synchronous.ts'

/**
 * Combines what a key has come to so far with its next record: a plain function, or an object where it has to be opened and
 * closed (R21). It must return a new value and leave both arguments as they are: the first has been emitted before.
 */
export type ReduceFunction<T> = Reducer<T>['reduce'] | (FunctionLifecycle & Reducer<T>)

/** A method, so that a stream of a narrower type is still one of a wider type. */
interface Reducer<T> {
  reduce(reduced: T, value: T): T
}

/** The operator behind `reduce`: emits one updated value per record, the first record of a key as it is. */
export function reduceSpec<T>(reduce: ReduceFunction<T>): OperatorSpec {
  const object = functionObject<ReduceObject>(reduce, 'reduce')
  return {
    operatorKind: 'reduce',
    states: STATES,
    factory: (context) => new ReduceOperator(object, context),
  }
}

const STATES = namedStates({ reduced: valueState<unknown>() })

type ReduceObject = FunctionLifecycle & { reduce(reduced: never, value: never): unknown }

class ReduceOperator extends FunctionRun implements Operator<never> {
  readonly #function: ReduceObject
  readonly #reduced: ValueState<unknown>
  readonly #output: Output

  constructor(reduce: ReduceObject, context: OperatorContext) {
    super(reduce, context)
    this.#function = reduce
    this.#reduced = keyedOf(context).state(STATES[0]!) as ValueState<unknown>
    this.#output = context.output
  }

  processElement(value: never, timestamp: number): void {
    const before = this.#reduced.value()
    const reduced = before === undefined ? value : this.#function.reduce(before as never, value)
    if (typeof reduced === 'object') refusePromise(reduced, 'the reduce function')
    else if (reduced === undefined) throw missingResult()
    this.#reduced.update(reduced)
    this.#output.emit(reduced, timestamp)
  }
}

function missingResult(): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    'the reduce function came to undefined; that cannot be kept as the value of the key; return a value of the type of the records.',
  )
}
