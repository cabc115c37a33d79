import type { Operator, OperatorContext } from '../../runtime/operator.ts'
import type { StateDescriptor } from '../../runtime/state/state.ts'
import { type Callback, CallbackRun } from '../callback-run.ts'
import { CallbackScope, Collector, type Out } from '../collector.ts'
import { checkMethods, type FunctionLifecycle, FunctionRun } from '../function.ts'
import type { OperatorSpec } from '../operator-spec.ts'
import { namedStates } from '../process-context.ts'
import {
  type BroadcastContext,
  OperatorBroadcastContext,
  OperatorReadOnlyBroadcastContext,
  type ReadOnlyBroadcastContext,
} from './broadcast-context.ts'
import type { BroadcastStateDeclarations } from './broadcast-state.ts'
import { BroadcastStates } from './broadcast-states.ts'

/**
 * What a function over a stream and a broadcast stream consists of. There is no order between the two inputs, and none between
 * the subtasks: each sees all broadcast records, but may see them earlier or later than another.
 */
export interface BroadcastProcessFunctionDefinition<
  A,
  B,
  R,
  S extends BroadcastStateDeclarations,
> extends FunctionLifecycle {
  /** The broadcast states by name, each a `mapState` with its types. */
  readonly broadcastState: S
  /** Called for each record of the stream, in one subtask; broadcast state may be read. */
  processElement(value: A, ctx: ReadOnlyBroadcastContext<S>, out: Out<R>): void | undefined
  /** Called for each broadcast record, in every subtask; must do the same to broadcast state in each of them. */
  processBroadcastElement(value: B, ctx: BroadcastContext<S>, out: Out<R>): void | undefined
}

/** A function as `process` of a stream connected with a broadcast one takes it; made by `broadcastProcessFunction`. */
export interface BroadcastProcessFunction<A, B, R> {
  readonly spec: OperatorSpec
  readonly isBroadcast: true
  /** Only for type inference; never set. */
  readonly _types?: { readonly without: (value: A, broadcast: B) => R }
}

/**
 * Declares a function over a stream and a broadcast stream, with broadcast state that the latter writes and the former reads.
 * Annotate the records and the collector; the rest follows.
 *
 * @example
 * const converted = broadcastProcessFunction({
 *   broadcastState: { rates: mapState<string, number>() },
 *   processElement(order: Order, ctx, out: Out<number>) {
 *     out.emit(order.cents * (ctx.broadcastState.rates.get(order.currency) ?? 1))
 *   },
 *   processBroadcastElement(rate: Rate, ctx) {
 *     ctx.broadcastState.rates.put(rate.currency, rate.rate)
 *   },
 * })
 */
export function broadcastProcessFunction<
  A,
  B,
  R = never,
  const S extends BroadcastStateDeclarations = Record<never, never>,
>(definition: BroadcastProcessFunctionDefinition<A, B, R, S>): BroadcastProcessFunction<A, B, R> {
  const methods = ['processElement', 'processBroadcastElement']
  checkMethods(definition, methods, 'broadcastProcessFunction')
  const states = namedStates(definition.broadcastState)
  return {
    isBroadcast: true,
    spec: {
      operatorKind: 'broadcast-process',
      broadcastStates: states,
      stateSpread: 'broadcast',
      factory: (context) =>
        new BroadcastProcessOperator(definition as AnyDefinition, states, context),
    },
  }
}

type AnyDefinition = BroadcastProcessFunctionDefinition<
  unknown,
  unknown,
  unknown,
  BroadcastStateDeclarations
>

class BroadcastProcessOperator extends FunctionRun implements Operator<unknown> {
  readonly #states: BroadcastStates
  readonly #element: Callback<ReadOnlyBroadcastContext<BroadcastStateDeclarations>>
  readonly #broadcast: Callback<BroadcastContext<BroadcastStateDeclarations>>
  readonly #elements: CallbackRun<ReadOnlyBroadcastContext<BroadcastStateDeclarations>>
  readonly #broadcasts: CallbackRun<BroadcastContext<BroadcastStateDeclarations>>

  constructor(
    definition: AnyDefinition,
    declared: readonly StateDescriptor[],
    context: OperatorContext,
  ) {
    super(definition, context)
    this.#element = (value, ctx, out) => definition.processElement(value, ctx, out)
    this.#broadcast = (value, ctx, out) => definition.processBroadcastElement(value, ctx, out)
    const scope = new CallbackScope(context.name)
    const collector = new Collector(scope, context.output)
    this.#states = new BroadcastStates(context, scope, declared)
    const { readable, writable } = this.#states
    const reading = new OperatorReadOnlyBroadcastContext(context, scope, readable)
    this.#elements = new CallbackRun(scope, reading, collector)
    const writing = new OperatorBroadcastContext(context, scope, writable)
    this.#broadcasts = new CallbackRun(scope, writing, collector)
  }

  processElement(value: unknown, timestamp: number): void {
    this.#elements.call(this.#element, value, timestamp, 'processElement')
    this.#states.endCallback()
  }

  processElement2(value: unknown, timestamp: number): void {
    this.#states.beginWriting()
    this.#broadcasts.call(this.#broadcast, value, timestamp, 'processBroadcastElement')
    this.#states.endCallback()
  }

  snapshotState(): unknown {
    return this.#states.snapshot()
  }
}
