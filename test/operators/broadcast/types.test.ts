import { expectTypeOf, test } from 'vitest'
import {
  broadcastProcessFunction,
  type BroadcastState,
  type BroadcastStream,
  coProcessFunction,
  type DataStream,
  keyedBroadcastProcessFunction,
  mapState,
  type Out,
  type ReadOnlyBroadcastState,
  valueState,
  type ValueState,
} from 'millrace'

// These are checked by the compiler (tsconfig.test.json): the functions are never called.

interface Order {
  readonly shop: string
  readonly cents: number
}

interface Limit {
  readonly shop: string
  readonly cents: number
}

type Orders = DataStream<Order>
type Limits = BroadcastStream<Limit>

function unused(_code: (orders: Orders, limits: Limits) => void): void {}

const limited = broadcastProcessFunction({
  broadcastState: { limits: mapState<string, Limit>() },
  processElement(order: Order, ctx, out: Out<Order>) {
    const { limits } = ctx.broadcastState
    expectTypeOf(limits).toEqualTypeOf<ReadOnlyBroadcastState<string, Limit>>()
    if (order.cents > (limits.get(order.shop)?.cents ?? 0)) out.emit(order)
    // @ts-expect-error the side of the stream may not write
    limits.put(order.shop, { shop: order.shop, cents: 1 })
    // @ts-expect-error nor remove
    limits.remove(order.shop)
    // @ts-expect-error nor clear
    limits.clear()
    // @ts-expect-error there is no key
    void ctx.key
    // @ts-expect-error not declared
    void ctx.broadcastState.other
  },
  processBroadcastElement(limit: Limit, ctx) {
    const { limits } = ctx.broadcastState
    expectTypeOf(limits).toEqualTypeOf<BroadcastState<string, Limit>>()
    limits.put(limit.shop, limit)
    // @ts-expect-error of another type
    limits.put(limit.shop, limit.cents)
    // @ts-expect-error a broadcast record has no timers
    void ctx.timers
  },
})

const keyedLimited = keyedBroadcastProcessFunction({
  state: { total: valueState<number>() },
  broadcastState: { limits: mapState<string, number>() },
  processElement(order: Order, ctx, out: Out<Order>) {
    expectTypeOf(ctx.state.total).toEqualTypeOf<ValueState<number>>()
    const total = (ctx.state.total.value() ?? 0) + order.cents
    ctx.state.total.update(total)
    ctx.timers.registerEventTime(ctx.timestamp)
    const { limits } = ctx.broadcastState
    expectTypeOf(limits).toEqualTypeOf<ReadOnlyBroadcastState<string, number>>()
    if (total > (limits.get(order.shop) ?? 0)) out.emit(order)
    // @ts-expect-error the keyed side may not write broadcast state
    limits.put(order.shop, 1)
    // @ts-expect-error visiting all keys is for the broadcast side
    void ctx.applyToKeyedState
  },
  processBroadcastElement(limit: Limit, ctx) {
    expectTypeOf(ctx.broadcastState.limits).toEqualTypeOf<BroadcastState<string, number>>()
    ctx.broadcastState.limits.put(limit.shop, limit.cents)
    ctx.applyToKeyedState('total', (key, total) => {
      expectTypeOf(total).toEqualTypeOf<ValueState<number>>()
      void key
    })
    // @ts-expect-error no such state
    ctx.applyToKeyedState('other', () => {})
    // @ts-expect-error no timers without a key
    void ctx.timers
    // @ts-expect-error no keyed state without a key
    void ctx.state
    // @ts-expect-error no key
    void ctx.key
  },
  onTimer(timestamp, ctx) {
    expectTypeOf(timestamp).toBeNumber()
    expectTypeOf(ctx.timeDomain).toEqualTypeOf<'event' | 'processing'>()
    // @ts-expect-error a timer may not write broadcast state
    ctx.broadcastState.limits.clear()
  },
})

test('broadcast functions infer their states, and only the broadcast side writes (semantics 2.18)', () => {
  unused((orders, limits) => {
    const plain = orders.connect(limits).process(limited, { uid: 'a' })
    expectTypeOf(plain).toEqualTypeOf<DataStream<Order>>()
    const keyed = orders.keyBy((order) => order.shop)
    const out = keyed.connect(limits).process(keyedLimited, { uid: 'b' })
    expectTypeOf(out).toEqualTypeOf<DataStream<Order>>()
    // @ts-expect-error a uid is required
    orders.connect(limits).process(limited, {})
    // @ts-expect-error a uid is required
    keyed.connect(limits).process(keyedLimited, {})
  })
})

test('a broadcast function needs a broadcast stream, and the other way round', () => {
  unused((orders, limits) => {
    const keyed = orders.keyBy((order) => order.shop)
    const keyedLimits = limits.keyBy((limit) => limit.shop)
    // @ts-expect-error the second stream is no broadcast one
    orders.connect(orders).process(limited, { uid: 'a' })
    // @ts-expect-error the second stream is keyed
    keyed.connect(keyedLimits).process(keyedLimited, { uid: 'a' })
    // @ts-expect-error a function without keys
    keyed.connect(limits).process(limited, { uid: 'a' })
    // @ts-expect-error a function with keys
    orders.connect(limits).process(keyedLimited, { uid: 'a' })
    const joined = coProcessFunction({
      processElement1(_order: Order, _ctx, _out: Out<Order>) {},
      processElement2(_limit: Limit, _ctx, _out: Out<Order>) {},
    })
    // @ts-expect-error records of the second input have no key
    keyed.connect(limits).process(joined, { uid: 'a' })
    // @ts-expect-error a keyed stream and a plain one do not share keys
    keyed.connect(orders)
    // @ts-expect-error a union is no broadcast stream
    keyed.connect(limits.union(limits))
    // @ts-expect-error keying would undo broadcasting
    void orders.connect(limits).keyBy
  })
})

test('broadcast state is map state only (semantics 2.18)', () => {
  broadcastProcessFunction({
    // @ts-expect-error only map state can be broadcast
    broadcastState: { last: valueState<number>() },
    processElement(_order: Order, _ctx, _out: Out<Order>) {},
    processBroadcastElement(_limit: Limit, _ctx, _out: Out<Order>) {},
  })
})

test('a stream connected with a broadcast one can be mapped without state', () => {
  unused((orders, limits) => {
    const both = orders.connect(limits)
    expectTypeOf(
      both.map({ map1: (order) => order.cents, map2: (limit) => limit.cents }),
    ).toEqualTypeOf<DataStream<number>>()
    const processed = both.process({
      processElement1: (order, _ctx, out: Out<string>) => out.emit(order.shop),
      processElement2: (limit, _ctx, out: Out<string>) => out.emit(limit.shop),
    })
    expectTypeOf(processed).toEqualTypeOf<DataStream<string>>()
  })
})
