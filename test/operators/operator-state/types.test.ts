import { expectTypeOf, test } from 'vitest'
import {
  coProcessFunction,
  type DataStream,
  operatorListState,
  type OperatorListState,
  type Out,
  processFunction,
  type StatefulElementFunction,
  unionListState,
  valueState,
} from 'millrace'

// These are checked by the compiler (tsconfig.test.json): the functions are never called.

interface Order {
  readonly shop: string
  readonly cents: number
}

function unused(_code: (orders: DataStream<Order>) => void): void {}

test('a function without a key has the lists that it declares, in open too (semantics 2.9)', () => {
  unused((orders) => {
    const shops = orders.process(
      {
        operatorState: { held: operatorListState<Order>(), highest: unionListState<number>() },
        open(context) {
          expectTypeOf(context.operatorState.highest).toEqualTypeOf<OperatorListState<number>>()
          expectTypeOf(context.subtaskIndex).toEqualTypeOf<number>()
        },
        processElement(order, ctx, out: Out<string>) {
          expectTypeOf(order).toEqualTypeOf<Order>()
          expectTypeOf(ctx.operatorState.held).toEqualTypeOf<OperatorListState<Order>>()
          ctx.operatorState.held.add(order)
          // @ts-expect-error the items are orders
          ctx.operatorState.held.add(order.cents)
          // @ts-expect-error what a list gives is not to be changed
          ctx.operatorState.held.get().push(order)
          // @ts-expect-error not declared
          void ctx.operatorState.other
          // @ts-expect-error there is no key
          void ctx.state
          out.emit(order.shop)
        },
      },
      { uid: 'held' },
    )
    expectTypeOf(shops).toEqualTypeOf<DataStream<string>>()
    // @ts-expect-error what has state needs a uid
    orders.process({ operatorState: { held: operatorListState<Order>() }, processElement() {} })
    orders.process(
      {
        // @ts-expect-error keyed state belongs to keys
        operatorState: { held: valueState<Order>() },
        processElement() {},
      },
      { uid: 'wrong' },
    )
  })
})

test('functions without lists are what they were', () => {
  unused((orders) => {
    const plain = orders.process((order, ctx, out: Out<number>) => {
      expectTypeOf(order).toEqualTypeOf<Order>()
      // @ts-expect-error there are no lists
      void ctx.operatorState
      out.emit(order.cents)
    })
    expectTypeOf(plain).toEqualTypeOf<DataStream<number>>()
    const object = orders.process({
      open(context) {
        expectTypeOf(context.uid).toEqualTypeOf<string>()
      },
      processElement(order, ctx, out: Out<number>) {
        expectTypeOf(ctx.timestamp).toEqualTypeOf<number>()
        out.emit(order.cents)
      },
    })
    expectTypeOf(object).toEqualTypeOf<DataStream<number>>()
  })
})

test('keyed functions have lists beside keyed state', () => {
  const held = processFunction({
    state: { own: valueState<number>() },
    operatorState: { all: operatorListState<Order>() },
    open({ operatorState }) {
      expectTypeOf(operatorState.all).toEqualTypeOf<OperatorListState<Order>>()
    },
    processElement(order: Order, ctx, out: Out<string>) {
      expectTypeOf(ctx.state.own.value()).toEqualTypeOf<number | undefined>()
      expectTypeOf(ctx.operatorState.all.get()).toEqualTypeOf<readonly Order[]>()
      out.emit(order.shop)
    },
    onTimer(_timestamp, ctx) {
      ctx.operatorState.all.clear()
      // @ts-expect-error not declared
      void ctx.operatorState.own
    },
  })
  const both = coProcessFunction({
    operatorState: { all: unionListState<Order>() },
    processElement1(order: Order, ctx, _out: Out<string>) {
      ctx.operatorState.all.update([order])
    },
    processElement2(shop: string, ctx, out: Out<string>) {
      expectTypeOf(ctx.operatorState.all).toEqualTypeOf<OperatorListState<Order>>()
      out.emit(shop)
    },
  })
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    expectTypeOf(keyed.process(held, { uid: 'held' })).toEqualTypeOf<DataStream<string>>()
    const shops = orders.map((order) => order.shop).keyBy((shop) => shop)
    keyed.connect(shops).process(both, { uid: 'both' })
  })
  // @ts-expect-error lists of a subtask belong to no key
  processFunction({ state: { all: operatorListState<Order>() }, processElement(_order: Order) {} })
})

test('connected streams without keys, and functions that are declared by themselves', () => {
  const fn: StatefulElementFunction<
    Order,
    number,
    { readonly all: ReturnType<typeof operatorListState<number>> }
  > = {
    operatorState: { all: operatorListState() },
    processElement(order, ctx, out) {
      ctx.operatorState.all.add(order.cents)
      out.emit(order.cents)
    },
  }
  unused((orders) => {
    expectTypeOf(orders.process(fn, { uid: 'fn' })).toEqualTypeOf<DataStream<number>>()
    const connected = orders.connect(orders.map((order) => order.cents)).process(
      {
        operatorState: { all: operatorListState<number>() },
        processElement1(order, ctx, out: Out<number>) {
          expectTypeOf(order).toEqualTypeOf<Order>()
          ctx.operatorState.all.add(order.cents)
          out.emit(order.cents)
        },
        processElement2(cents, ctx) {
          expectTypeOf(cents).toEqualTypeOf<number>()
          expectTypeOf(ctx.operatorState.all).toEqualTypeOf<OperatorListState<number>>()
        },
      },
      { uid: 'connected' },
    )
    expectTypeOf(connected).toEqualTypeOf<DataStream<number>>()
  })
})

test('options of lists: versions and upcasts, but no time to live', () => {
  unused(() => {
    operatorListState<string>({ version: 2, upcasts: { 1: (n: number) => String(n) } })
    unionListState<string>({ version: 3 })
    // @ts-expect-error the last upcast makes an item
    operatorListState<string>({ version: 2, upcasts: { 1: (n: number) => n } })
    // @ts-expect-error nothing of it expires
    operatorListState<string>({ ttl: '1h' })
    // @ts-expect-error nor of a union list
    unionListState<string>({ ttl: '1h' })
  })
})
