import type { Key } from '../../runtime/key.ts'
import type { OperatorContext } from '../../runtime/operator.ts'
import type { Out } from '../collector.ts'
import { checkMethods, type FunctionLifecycle } from '../function.ts'
import type { OperatorSpec } from '../operator-spec.ts'
import { namedStates, type StateDeclarations } from '../process-context.ts'
import type {
  BroadcastTimerContext,
  KeyedBroadcastContext,
  KeyedReadOnlyBroadcastContext,
} from './broadcast-context.ts'
import type { BroadcastStateDeclarations } from './broadcast-state.ts'
import { type KeyedBroadcastCallbacks, KeyedBroadcastOperator } from './keyed-broadcast-operator.ts'

/**
 * What a function over a keyed stream and a broadcast stream consists of. There is no order between the two inputs, and none
 * between the subtasks: each sees all broadcast records, but may see them earlier or later than another.
 */
export interface KeyedBroadcastProcessFunctionDefinition<
  A,
  B,
  R,
  S extends StateDeclarations,
  BS extends BroadcastStateDeclarations,
  K extends Key,
> extends FunctionLifecycle {
  /** The keyed states by name, each declared with its type. */
  readonly state?: S
  /** The broadcast states by name, each a `mapState` with its types. */
  readonly broadcastState: BS
  /** Called for each record of the keyed stream, with its key set; broadcast state may be read. */
  processElement(
    value: A,
    ctx: KeyedReadOnlyBroadcastContext<S, BS, K>,
    out: Out<R>,
  ): void | undefined
  /** Called for each broadcast record, in every subtask; must do the same to broadcast state in each of them. No key is set. */
  processBroadcastElement(
    value: B,
    ctx: KeyedBroadcastContext<S, BS, K>,
    out: Out<R>,
  ): void | undefined
  /** Called for each timer that has come due, with its key set; broadcast state may be read. */
  onTimer?(timestamp: number, ctx: BroadcastTimerContext<S, BS, K>, out: Out<R>): void | undefined
}

/** A function as `process` of a keyed stream connected with a broadcast one takes it; made by `keyedBroadcastProcessFunction`. */
export interface KeyedBroadcastProcessFunction<A, B, R, K extends Key = Key> {
  readonly spec: OperatorSpec
  readonly isBroadcast: true
  /** Only for type inference; never set. */
  readonly _types?: { readonly keyed: (value: A, broadcast: B, key: K) => R }
}

/**
 * Declares a function over a keyed stream and a broadcast stream: keyed state and timers as of `processFunction`, and broadcast
 * state that the broadcast stream writes. Annotate the records and the collector; the rest follows.
 *
 * @example
 * const overLimit = keyedBroadcastProcessFunction({
 *   state: { total: valueState<number>() },
 *   broadcastState: { limits: mapState<string, number>() },
 *   processElement(order: Order, ctx, out: Out<Order>) {
 *     const total = (ctx.state.total.value() ?? 0) + order.cents
 *     ctx.state.total.update(total)
 *     if (total > (ctx.broadcastState.limits.get(order.shop) ?? Infinity)) out.emit(order)
 *   },
 *   processBroadcastElement(limit: Limit, ctx) {
 *     ctx.broadcastState.limits.put(limit.shop, limit.cents)
 *     if (limit.startsAnew) ctx.applyToKeyedState('total', (_customer, total) => total.clear())
 *   },
 * })
 */
export function keyedBroadcastProcessFunction<
  A,
  B,
  R = never,
  const S extends StateDeclarations = Record<never, never>,
  const BS extends BroadcastStateDeclarations = Record<never, never>,
  K extends Key = Key,
>(
  definition: KeyedBroadcastProcessFunctionDefinition<A, B, R, S, BS, K>,
): KeyedBroadcastProcessFunction<A, B, R, K> {
  const methods = ['processElement', 'processBroadcastElement']
  checkMethods(definition, methods, 'keyedBroadcastProcessFunction')
  const states = namedStates(definition.state)
  const broadcastStates = namedStates(definition.broadcastState)
  return {
    isBroadcast: true,
    spec: {
      operatorKind: 'keyed-broadcast-process',
      states,
      broadcastStates,
      stateSpread: 'broadcast',
      hasTimers: definition.onTimer !== undefined,
      factory: (context: OperatorContext) =>
        new KeyedBroadcastOperator(
          definition as unknown as KeyedBroadcastCallbacks,
          { states, broadcastStates },
          context,
        ),
    },
  }
}
