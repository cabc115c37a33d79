import { expectTypeOf, test } from 'vitest'
import type { AsyncFunction, DataStream } from 'millrace'

// These are checked by the compiler (tsconfig.test.json): the functions are never called.

interface Order {
  readonly shop: string
  readonly cents: number
}

type Orders = DataStream<Order>

function unused(_code: (orders: Orders) => void): void {}

test('the answers of asynchronous functions are inferred, with no annotation (N1)', () => {
  unused((orders) => {
    expectTypeOf(orders.orderedWait(async (order) => [order.cents], { uid: 'a' })).toEqualTypeOf<
      DataStream<number>
    >()
    expectTypeOf(
      orders.unorderedWait(async (order, ctx) => [{ ...order, at: ctx.timestamp }], { uid: 'b' }),
    ).toEqualTypeOf<DataStream<{ at: number; shop: string; cents: number }>>()
    expectTypeOf(
      orders.asyncMap(async (order) => order.shop, { uid: 'c', ordered: false }),
    ).toEqualTypeOf<DataStream<string>>()
    expectTypeOf(orders.asyncMap((order) => order.cents, { uid: 'd' })).toEqualTypeOf<
      DataStream<number>
    >()
    const cached = new Map<string, number>()
    expectTypeOf(
      orders.asyncMap((order) => cached.get(order.shop) ?? Promise.resolve(0), { uid: 'e' }),
    ).toEqualTypeOf<DataStream<number>>()
  })
})

test('objects are inferred too, and their timeout method answers with the same', () => {
  unused((orders) => {
    const names: AsyncFunction<Order, string> = {
      async asyncInvoke(order, ctx) {
        expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
        return [order.shop]
      },
      timeout: (order) => [order.shop],
    }
    expectTypeOf(orders.orderedWait(names, { uid: 'a' })).toEqualTypeOf<DataStream<string>>()
    orders.asyncMap(
      // @ts-expect-error a record cannot take the place of a promise of another
      { asyncMap: async (order: Order) => order.cents, timeout: (order: Order) => order.shop },
      { uid: 'b' },
    )
  })
})

test('predicates of retries see what the function answers with', () => {
  unused((orders) => {
    orders.orderedWait(async (order) => [order.cents], {
      uid: 'a',
      retry: {
        maxAttempts: 3,
        delay: '1s',
        retryOnError: (error) => {
          expectTypeOf(error).toEqualTypeOf<unknown>()
          return true
        },
        retryOnResult: (answer) => {
          expectTypeOf(answer).toEqualTypeOf<readonly number[]>()
          return answer.length === 0
        },
      },
    })
    orders.asyncMap(async (order) => order.shop, {
      uid: 'b',
      retry: {
        maxAttempts: 3,
        delay: { initial: 1, max: '1m', multiplier: 2 },
        retryOnResult: (answer) => {
          expectTypeOf(answer).toEqualTypeOf<string>()
          return answer === ''
        },
      },
    })
  })
})

test('wrong uses do not compile', () => {
  unused((orders) => {
    // @ts-expect-error it has state, so it needs a uid
    orders.asyncMap(async (order) => order.shop, {})
    // @ts-expect-error an answer is an array
    orders.orderedWait(async (order) => order.cents, { uid: 'a' })
    // @ts-expect-error there is no collector
    orders.unorderedWait(async (order, _ctx, out) => [out.emit(order)], { uid: 'b' })
    // @ts-expect-error what a function with state wrote before it threw would stay
    orders.asyncMap(async (order) => order.shop, { uid: 'c', onError: 'skip' })
    // @ts-expect-error there are no timers and no state
    orders.asyncMap(async (order, ctx) => ctx.timers, { uid: 'd' })
    // @ts-expect-error a timeout is answered at once
    orders.orderedWait({ asyncInvoke: async () => [1], timeout: async () => [1] }, { uid: 'e' })
    // @ts-expect-error a retry says how often and after how long
    orders.asyncMap(async (order) => order.shop, { uid: 'f', retry: {} })
  })
})
