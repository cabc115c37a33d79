import type { Operator, OperatorContext, Output } from '../runtime/operator.ts'
import { type Callback, CallbackRun } from './callback-run.ts'
import { CallbackScope, Collector, type Out } from './collector.ts'
import { checkMethods, type FunctionLifecycle, FunctionRun, type Synchronous } from './function.ts'
import { emitAll } from './flat-map.ts'
import type { MapMustBeSynchronous } from './map.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { refusePromise } from './synchronous.ts'

/** Makes one record of each record of two inputs. */
export interface CoMapFunction<A, B, R> extends FunctionLifecycle {
  map1(value: A): Synchronous<R, MapMustBeSynchronous>
  map2(value: B): Synchronous<R, MapMustBeSynchronous>
}

/** Makes any number of records of each record of two inputs: returns them as an array, or emits them. */
export interface CoFlatMapFunction<A, B, R> extends FunctionLifecycle {
  flatMap1(value: A, out: Out<R>): readonly R[] | void
  flatMap2(value: B, out: Out<R>): readonly R[] | void
}

/** The operator behind `map` of connected streams. */
export function coMapSpec<A, B, R>(map: CoMapFunction<A, B, R>): OperatorSpec {
  checkMethods(map, ['map1', 'map2'], 'map of connected streams')
  return {
    operatorKind: 'co-map',
    factory: (context) =>
      new CoMapOperator(map as CoMapFunction<unknown, unknown, unknown>, context),
  }
}

class CoMapOperator extends FunctionRun implements Operator<unknown> {
  readonly #function: CoMapFunction<unknown, unknown, unknown>
  readonly #context: OperatorContext

  constructor(map: CoMapFunction<unknown, unknown, unknown>, context: OperatorContext) {
    super(map, context)
    this.#function = map
    this.#context = context
  }

  processElement(value: unknown, timestamp: number): void {
    this.#emit(this.#function.map1(value), timestamp, 'map1')
  }

  processElement2(value: unknown, timestamp: number): void {
    this.#emit(this.#function.map2(value), timestamp, 'map2')
  }

  #emit(result: unknown, timestamp: number, what: string): void {
    if (typeof result === 'object') refusePromise(result, what)
    this.#context.output.emit(result, timestamp)
  }
}

/** The operator behind `flatMap` of connected streams. */
export function coFlatMapSpec<A, B, R>(flatMap: CoFlatMapFunction<A, B, R>): OperatorSpec {
  checkMethods(flatMap, ['flatMap1', 'flatMap2'], 'flatMap of connected streams')
  const given = flatMap as CoFlatMapFunction<unknown, unknown, unknown>
  return {
    operatorKind: 'co-flat-map',
    factory: (context) => new CoFlatMapOperator(given, context),
  }
}

class CoFlatMapOperator extends FunctionRun implements Operator<unknown> {
  readonly #first: Callback<undefined>
  readonly #second: Callback<undefined>
  readonly #run: CallbackRun<undefined>
  readonly #output: Output

  constructor(flatMap: CoFlatMapFunction<unknown, unknown, unknown>, context: OperatorContext) {
    super(flatMap, context)
    const scope = new CallbackScope(context.name)
    this.#first = (value, _context, out) => flatMap.flatMap1(value, out)
    this.#second = (value, _context, out) => flatMap.flatMap2(value, out)
    this.#run = new CallbackRun(scope, undefined, new Collector(scope, context.output))
    this.#output = context.output
  }

  processElement(value: unknown, timestamp: number): void {
    const result = this.#run.call(this.#first, value, timestamp, 'flatMap1')
    if (result !== undefined) emitAll(result, timestamp, this.#output, 'flatMap1')
  }

  processElement2(value: unknown, timestamp: number): void {
    const result = this.#run.call(this.#second, value, timestamp, 'flatMap2')
    if (result !== undefined) emitAll(result, timestamp, this.#output, 'flatMap2')
  }
}
