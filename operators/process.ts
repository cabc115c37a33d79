import { MIN_TIMESTAMP } from '../runtime/element.ts'
import type { Key } from '../runtime/key.ts'
import type { Operator, OperatorContext } from '../runtime/operator.ts'
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
import { refusePromise } from './synchronous.ts'

/**
 * What a process function consists of. Everything is called synchronously, one call at a time, with the key set; a callback
 * that returns a promise fails with `MR_FUNCTION_ASYNC` (R15).
 */
export interface ProcessFunctionDefinition<
  In,
  R,
  S extends StateDeclarations,
  K extends Key,
  O extends OperatorStateDeclarations = NoOperatorState,
> extends FunctionLifecycle {
  /** The states by name, each declared with its type: `{ small: valueState<Small>() }`. */
  readonly state?: S
  /** Lists that belong to the subtask, not to a key, by name: `{ held: operatorListState<Order>() }`. */
  readonly operatorState?: O
  open?(context: OperatorStateContext<O>): void | Promise<void>
  /** Called for each record. Late ones come too: `ctx.timers.currentWatermark` tells. */
  processElement(value: In, ctx: ProcessContext<S, K, O>, out: Out<R>): void | undefined
  /**
   * Called for each timer that has come due: an event-time timer when the watermark has reached it, a processing-time one
   * when the clock is past it. Registering the same timestamp twice fires once.
   *
   * When all input has ended, or the job is drained, all of them are called, those of processing time behind the others and
   * without waiting for the clock; what is registered then is ignored.
   */
  onTimer?(timestamp: number, ctx: TimerContext<S, K, O>, out: Out<R>): void | undefined
}

/** A process function as `keyedStream.process` takes it; made by `processFunction`. */
export interface ProcessFunction<In, R, K extends Key = Key> {
  readonly spec: OperatorSpec
  /** Only for type inference; never set. */
  readonly _types?: (value: In, key: K) => R
}

/**
 * Declares a function over keyed records, with state and timers.
 *
 * State is declared by name up front, so that types are inferred and the plan can list it. Annotate the record and the
 * collector; the rest follows. A state with an unusable name is an error at start-up.
 *
 * @example
 * const firstSeen = processFunction({
 *   state: { seen: valueState<boolean>() },
 *   processElement(user: User, ctx, out: Out<string>) {
 *     if (ctx.state.seen.value() !== true) out.emit(user.name)
 *     ctx.state.seen.update(true)
 *   },
 * })
 */
export function processFunction<
  In,
  R = never,
  const S extends StateDeclarations = Record<never, never>,
  K extends Key = Key,
  const O extends OperatorStateDeclarations = NoOperatorState,
>(definition: ProcessFunctionDefinition<In, R, S, K, O>): ProcessFunction<In, R, K> {
  checkMethods(definition, ['processElement'], 'processFunction')
  const declared = declaredOf(definition)
  return {
    spec: {
      operatorKind: 'process',
      ...declared,
      factory: (context) => new ProcessOperator(definition as AnyDefinition, declared, context),
    },
  }
}

type AnyDefinition = ProcessFunctionDefinition<
  unknown,
  unknown,
  StateDeclarations,
  Key,
  OperatorStateDeclarations
>

class ProcessOperator extends StatefulFunctionRun implements Operator<unknown> {
  readonly #function: AnyDefinition
  readonly #scope: CallbackScope
  readonly #context: OperatorProcessContext
  readonly #collector: Collector

  constructor(
    definition: AnyDefinition,
    { states, operatorStates, hasTimers }: Declared,
    context: OperatorContext,
  ) {
    const scope = new CallbackScope(context.name)
    super(definition, context, scope, operatorStates)
    this.#scope = scope
    this.#function = definition
    const { lists } = this
    this.#context = new OperatorProcessContext({ context, scope, states, hasTimers, lists })
    this.#collector = new Collector(scope, context.output)
  }

  processElement(value: unknown, timestamp: number): void {
    const scope = this.#scope
    scope.open(timestamp)
    let result: unknown
    try {
      result = this.#function.processElement(value, this.#context, this.#collector)
    } finally {
      scope.close()
    }
    scope.rethrow()
    if (result !== undefined) refusePromise(result, 'processElement')
    this.lists?.endCallback()
  }

  onEventTime(timestamp: number): void {
    this.#context.timeDomain = 'event'
    this.#fire(timestamp, timestamp)
  }

  onProcessingTime(timestamp: number): void {
    this.#context.timeDomain = 'processing'
    this.#fire(timestamp, MIN_TIMESTAMP)
  }

  #fire(timestamp: number, recordTimestamp: number): void {
    const scope = this.#scope
    scope.open(recordTimestamp)
    let result: unknown
    try {
      result = this.#function.onTimer?.(timestamp, this.#context, this.#collector)
    } finally {
      scope.close()
    }
    scope.rethrow()
    if (result !== undefined) refusePromise(result, 'onTimer')
    this.lists?.endCallback()
  }
}
