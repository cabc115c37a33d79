import { MIN_TIMESTAMP } from '../runtime/element.ts'
import type { Key } from '../runtime/key.ts'
import type { Operator, OperatorContext } from '../runtime/operator.ts'
import { type Callback, CallbackRun } from './callback-run.ts'
import { CallbackScope, Collector, type Out } from './collector.ts'
import { checkMethods, type FunctionLifecycle } from './function.ts'
import type { OperatorSpec } from './operator-spec.ts'
import type {
  NoOperatorState,
  OperatorStateContext,
  OperatorStateDeclarations,
} from './operator-state/operator-state.ts'
import { StatefulFunctionRun } from './operator-state/stateful-function-run.ts'
import {
  type Declared,
  declaredOf,
  OperatorProcessContext,
  type ProcessContext,
  type StateDeclarations,
  type TimerContext,
} from './process-context.ts'

/**
 * What a process function over two keyed inputs consists of. Both inputs share state and timers of the key; which of two
 * records comes first is not defined where they come from different inputs.
 */
export interface CoProcessFunctionDefinition<
  A,
  B,
  R,
  S extends StateDeclarations,
  K extends Key,
  O extends OperatorStateDeclarations = NoOperatorState,
> extends FunctionLifecycle {
  /** The states by name, each declared with its type. */
  readonly state?: S
  /** Lists that belong to the subtask, not to a key, by name. */
  readonly operatorState?: O
  open?(context: OperatorStateContext<O>): void | Promise<void>
  /** Called for each record of the first input. */
  processElement1(value: A, ctx: ProcessContext<S, K, O>, out: Out<R>): void | undefined
  /** Called for each record of the second input. */
  processElement2(value: B, ctx: ProcessContext<S, K, O>, out: Out<R>): void | undefined
  /** Called for each timer that has come due, whichever input registered it. */
  onTimer?(timestamp: number, ctx: TimerContext<S, K, O>, out: Out<R>): void | undefined
}

/** A process function over two keyed inputs, as `keyedConnectedStreams.process` takes it; made by `coProcessFunction`. */
export interface CoProcessFunction<A, B, R, K extends Key = Key> {
  readonly spec: OperatorSpec
  /** Only for type inference; never set. */
  readonly _types?: (first: A, second: B, key: K) => R
}

/**
 * Declares a function over two keyed inputs, with state and timers that both share. Annotate the records and the collector;
 * the rest follows.
 *
 * @example
 * const joined = coProcessFunction({
 *   state: { fare: valueState<Fare>(), ride: valueState<Ride>() },
 *   processElement1(ride: Ride, ctx, out: Out<Trip>) {
 *     const fare = ctx.state.fare.value()
 *     if (fare === undefined) ctx.state.ride.update(ride)
 *     else out.emit({ ride, fare })
 *   },
 *   processElement2(fare: Fare, ctx, out: Out<Trip>) {
 *     const ride = ctx.state.ride.value()
 *     if (ride === undefined) ctx.state.fare.update(fare)
 *     else out.emit({ ride, fare })
 *   },
 * })
 */
export function coProcessFunction<
  A,
  B,
  R = never,
  const S extends StateDeclarations = Record<never, never>,
  K extends Key = Key,
  const O extends OperatorStateDeclarations = NoOperatorState,
>(definition: CoProcessFunctionDefinition<A, B, R, S, K, O>): CoProcessFunction<A, B, R, K> {
  checkMethods(definition, ['processElement1', 'processElement2'], 'coProcessFunction')
  const declared = declaredOf(definition)
  return {
    spec: {
      operatorKind: 'co-process',
      ...declared,
      factory: (context) => new CoProcessOperator(definition as AnyDefinition, declared, context),
    },
  }
}

type AnyDefinition = CoProcessFunctionDefinition<
  unknown,
  unknown,
  unknown,
  StateDeclarations,
  Key,
  OperatorStateDeclarations
>
type Context = TimerContext<StateDeclarations, Key, OperatorStateDeclarations>

class CoProcessOperator extends StatefulFunctionRun implements Operator<unknown> {
  readonly #first: Callback<Context>
  readonly #second: Callback<Context>
  readonly #onTimer: Callback<Context>
  readonly #context: OperatorProcessContext
  readonly #run: CallbackRun<Context>

  constructor(
    definition: AnyDefinition,
    { states, operatorStates, hasTimers }: Declared,
    context: OperatorContext,
  ) {
    const scope = new CallbackScope(context.name)
    super(definition, context, scope, operatorStates)
    this.#first = (value, ctx, out) => definition.processElement1(value, ctx, out)
    this.#second = (value, ctx, out) => definition.processElement2(value, ctx, out)
    this.#onTimer = (timestamp, ctx, out) => definition.onTimer?.(timestamp, ctx, out)
    const { lists } = this
    this.#context = new OperatorProcessContext({ context, scope, states, hasTimers, lists })
    this.#run = new CallbackRun(scope, this.#context, new Collector(scope, context.output))
  }

  processElement(value: unknown, timestamp: number): void {
    this.#run.call(this.#first, value, timestamp, 'processElement1')
    this.lists?.endCallback()
  }

  processElement2(value: unknown, timestamp: number): void {
    this.#run.call(this.#second, value, timestamp, 'processElement2')
    this.lists?.endCallback()
  }

  onEventTime(timestamp: number): void {
    this.#context.timeDomain = 'event'
    this.#run.call(this.#onTimer, timestamp, timestamp, 'onTimer')
    this.lists?.endCallback()
  }

  onProcessingTime(timestamp: number): void {
    this.#context.timeDomain = 'processing'
    this.#run.call(this.#onTimer, timestamp, MIN_TIMESTAMP, 'onTimer')
    this.lists?.endCallback()
  }
}
