import { expectTypeOf, test } from 'vitest'
import {
  approximateCountDistinct,
  averageOf,
  count,
  countDistinct,
  countEvictor,
  countTrigger,
  type DataStream,
  eventTimeSessionWindows,
  type GlobalWindow,
  globalWindows,
  type JoinRecord,
  maxOf,
  minOf,
  type Out,
  outputTag,
  sumOf,
  type TimeWindow,
  tumblingEventTimeWindows,
} from 'millrace'

// These are checked by the compiler (tsconfig.test.json): the functions are never called.

type Cents = number & { readonly brand: 'cents' }

interface Order {
  readonly shop: 'north' | 'south'
  readonly cents: number
  readonly branded: Cents
  readonly total: bigint
  readonly tip?: number
  readonly either: number | bigint
  readonly textOrNumber: string | number
  readonly maybe: number | undefined
  readonly level: 1 | 2
  readonly paid: boolean
  readonly at: Date
}

function unused(_code: (orders: DataStream<Order>) => void): void {}

test('sum takes fields that are numbers or bigints, and nothing else', () => {
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    expectTypeOf(keyed.sum('cents', { uid: 'a' })).toEqualTypeOf<DataStream<Order>>()
    keyed.sum('branded', { uid: 'a' })
    keyed.sum('total', { uid: 'a' })
    // @ts-expect-error text has no sum
    keyed.sum('shop', { uid: 'a' })
    // @ts-expect-error may be missing
    keyed.sum('tip', { uid: 'a' })
    // @ts-expect-error may be undefined
    keyed.sum('maybe', { uid: 'a' })
    // @ts-expect-error a number and a bigint have no sum
    keyed.sum('either', { uid: 'a' })
    // @ts-expect-error text among numbers
    keyed.sum('textOrNumber', { uid: 'a' })
    // @ts-expect-error the sum of levels is no level
    keyed.sum('level', { uid: 'a' })
    // @ts-expect-error a boolean
    keyed.sum('paid', { uid: 'a' })
    // @ts-expect-error no such field
    keyed.sum('euros', { uid: 'a' })
    // @ts-expect-error a uid is required
    keyed.sum('cents', {})
    // @ts-expect-error onError is not for operators with state (R20)
    keyed.sum('cents', { uid: 'a', onError: 'skip' })
    const pairs = orders.map((order) => [order.shop, order.cents] as const).keyBy(() => 1)
    // @ts-expect-error a tuple has no fields by name
    pairs.sum('1', { uid: 'a' })
    const numbers = orders.map((order) => order.cents).keyBy(() => 1)
    // @ts-expect-error a number has none at all
    numbers.sum('toFixed', { uid: 'a' })
  })
})

test('min, max, minBy and maxBy take fields that can be compared', () => {
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    for (const field of ['shop', 'cents', 'branded', 'total', 'level'] as const) {
      expectTypeOf(keyed.min(field, { uid: 'a' })).toEqualTypeOf<DataStream<Order>>()
      keyed.max(field, { uid: 'a' })
      keyed.minBy(field, { uid: 'a', first: false })
      keyed.maxBy(field, { uid: 'a' })
    }
    // @ts-expect-error may be missing
    keyed.min('tip', { uid: 'a' })
    // @ts-expect-error of two types
    keyed.max('either', { uid: 'a' })
    // @ts-expect-error of two types
    keyed.minBy('textOrNumber', { uid: 'a' })
    // @ts-expect-error a Date: compare its getTime()
    keyed.maxBy('at', { uid: 'a' })
    // @ts-expect-error only minBy and maxBy choose among equal records
    keyed.min('cents', { uid: 'a', first: false })
  })
})

test('deduplicate wants to know which record, and for how long', () => {
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    const once = keyed.deduplicate({ uid: 'a', keep: 'first', ttl: '1h' })
    expectTypeOf(once).toEqualTypeOf<DataStream<Order>>()
    keyed.deduplicate({ uid: 'a', keep: 'last', ttl: 'never' })
    // @ts-expect-error for how long
    keyed.deduplicate({ uid: 'a', keep: 'first' })
    // @ts-expect-error which one
    keyed.deduplicate({ uid: 'a', ttl: '1h' })
    // @ts-expect-error no duration
    keyed.deduplicate({ uid: 'a', keep: 'first', ttl: 'always' })
  })
})

test('topN ranks by a value or a comparison', () => {
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    const top = keyed.topN(3, { uid: 'a', by: (order) => order.cents })
    expectTypeOf(top).toEqualTypeOf<DataStream<readonly Order[]>>()
    keyed.topN(3, { uid: 'a', compare: (a, b) => a.cents - b.cents })
    // @ts-expect-error by what
    keyed.topN(3, { uid: 'a' })
    // @ts-expect-error one of the two
    keyed.topN(3, { uid: 'a', by: (o) => o.cents, compare: () => 0 })
    // @ts-expect-error a Date has no order of its own
    keyed.topN(3, { uid: 'a', by: (order) => order.at })
    // @ts-expect-error a promise neither
    keyed.topN(3, { uid: 'a', by: async (order) => order.cents })
  })
})

test('ready-made aggregates infer records and results', () => {
  unused((orders) => {
    const windowed = orders.keyBy((o) => o.shop).window(tumblingEventTimeWindows('1h'))
    const uid = { uid: 'a' }
    expectTypeOf(windowed.aggregate(count(), uid)).toEqualTypeOf<DataStream<number>>()
    expectTypeOf(
      windowed.aggregate(
        sumOf((o) => o.cents),
        uid,
      ),
    ).toEqualTypeOf<DataStream<number>>()
    const totals = windowed.aggregate(
      sumOf((order) => order.total),
      uid,
    )
    expectTypeOf(totals).toEqualTypeOf<DataStream<bigint>>()
    const average = windowed.aggregate(
      averageOf((order) => order.cents),
      uid,
    )
    expectTypeOf(average).toEqualTypeOf<DataStream<number>>()
    const lowest = windowed.aggregate(
      minOf((order) => order.shop),
      uid,
    )
    expectTypeOf(lowest).toEqualTypeOf<DataStream<'north' | 'south'>>()
    const highest = windowed.aggregate(
      maxOf((order) => order.cents),
      uid,
    )
    expectTypeOf(highest).toEqualTypeOf<DataStream<number>>()
    const distinct = windowed.aggregate(
      countDistinct((order) => [order.shop, order.cents]),
      uid,
    )
    expectTypeOf(distinct).toEqualTypeOf<DataStream<number>>()
    const about = windowed.aggregate(
      approximateCountDistinct((order) => order.cents, { precision: 14 }),
      uid,
    )
    expectTypeOf(about).toEqualTypeOf<DataStream<number>>()
    const sessions = orders.keyBy((o) => o.shop).window(eventTimeSessionWindows('10m'))
    sessions.aggregate(count(), uid)
    sessions.aggregate(
      sumOf((order) => order.cents),
      uid,
    )
    sessions.aggregate(
      countDistinct((order) => order.cents),
      uid,
    )
    // @ts-expect-error text has no sum
    const sumOfTexts = sumOf((order: Order) => order.shop)
    // @ts-expect-error bigints have no mean
    const averageOfBigints = averageOf((order: Order) => order.total)
    // @ts-expect-error a Date has no order of its own
    const earliest = minOf((order: Order) => order.at)
    // @ts-expect-error an object has no equality
    const different = countDistinct((order: Order) => order)
    void [sumOfTexts, averageOfBigints, earliest, different]
  })
})

interface Payment {
  readonly order: number
  readonly shop: string
  readonly cents: bigint
}

test('window joins infer both records, the key, the window and what comes out (N1)', () => {
  unused((orders) => {
    const payments = orders.map((one): Payment => ({ order: 1, shop: one.shop, cents: one.total }))
    const hours = tumblingEventTimeWindows('1h')
    const inner = orders
      .join(payments)
      .where((order) => order.cents)
      .equalTo((payment) => payment.order)
      .window(hours)
    const pairs = inner.apply(
      (order, payment, ctx) => {
        expectTypeOf(order).toEqualTypeOf<Order>()
        expectTypeOf(payment).toEqualTypeOf<Payment>()
        expectTypeOf(ctx.key).toBeNumber()
        expectTypeOf(ctx.window).toEqualTypeOf<TimeWindow>()
        return { at: order.at, paid: payment.cents }
      },
      { uid: 'a' },
    )
    expectTypeOf(pairs).toEqualTypeOf<DataStream<{ at: Date; paid: bigint }>>()
    const asObject = inner.apply(
      { join: (order, payment) => [order, payment] as const },
      { uid: 'a' },
    )
    expectTypeOf(asObject).toEqualTypeOf<DataStream<readonly [Order, Payment]>>()
    const flat = inner.apply(
      {
        flatJoin: (order, payment, _ctx, out: Out<bigint>) => out.emit(order.total + payment.cents),
      },
      { uid: 'a' },
    )
    expectTypeOf(flat).toEqualTypeOf<DataStream<bigint>>()
    const outer = orders
      .leftOuterJoin(payments)
      .where((order) => [order.shop, order.cents])
      .equalTo((payment) => [payment.shop as Order['shop'], payment.order])
      .window(eventTimeSessionWindows('1h'))
      .trigger(countTrigger(2))
      .evictor(countEvictor(10))
      .allowedLateness('1h')
      .apply(
        (order, payment, { key }) => {
          expectTypeOf(payment).toEqualTypeOf<Payment | undefined>()
          expectTypeOf(key).toEqualTypeOf<readonly [Order['shop'], number]>()
          return payment?.cents ?? order.total
        },
        { uid: 'a' },
      )
    expectTypeOf(outer).toEqualTypeOf<DataStream<bigint>>()
    const groups = orders
      .coGroup(payments)
      .where((order): string => order.shop)
      .equalTo((payment) => payment.shop)
      .window(globalWindows())
      .apply(
        (some, others, ctx, out: Out<number>) => {
          expectTypeOf(some).toEqualTypeOf<readonly Order[]>()
          expectTypeOf(others).toEqualTypeOf<readonly Payment[]>()
          expectTypeOf(ctx.window).toEqualTypeOf<GlobalWindow>()
          out.emit(some.length - others.length)
        },
        { uid: 'a' },
      )
    expectTypeOf(groups).toEqualTypeOf<DataStream<number>>()
    inner.sideOutputLateData(outputTag<JoinRecord<Order, Payment>>('late'))
  })
})

test('window joins refuse keys of two types, functions of another kind, and promises (N2)', () => {
  unused((orders) => {
    const payments = orders.map((one): Payment => ({ order: 1, shop: one.shop, cents: one.total }))
    const byNumber = orders.join(payments).where((order) => order.cents)
    // @ts-expect-error a number and a text are never equal
    byNumber.equalTo((payment) => payment.shop)
    // @ts-expect-error a number and a bigint are never equal
    byNumber.equalTo((payment) => payment.cents)
    // @ts-expect-error a Date is no key
    orders.join(payments).where((order) => order.at)
    const inner = byNumber.equalTo((payment) => payment.order).window(tumblingEventTimeWindows(1))
    // @ts-expect-error join must not return a Promise
    inner.apply(async (order) => order, { uid: 'a' })
    // @ts-expect-error the function of coGroup
    inner.apply({ coGroup: () => {} }, { uid: 'a' })
    // @ts-expect-error a uid is required
    inner.apply((order) => order, {})
    // @ts-expect-error onError is not for operators with state (R20)
    inner.apply((order) => order, { uid: 'a', onError: 'skip' })
    // @ts-expect-error the tag is for records with their side
    inner.sideOutputLateData(outputTag<Order>('late'))
    const outer = orders.leftOuterJoin(payments).where((order) => order.cents)
    const outerWindows = outer.equalTo((payment) => payment.order).window(globalWindows())
    // @ts-expect-error the right record may be missing
    outerWindows.apply((_order, payment) => payment.cents, { uid: 'a' })
    const groups = orders.coGroup(payments).where((order) => order.cents)
    const groupWindows = groups.equalTo((payment) => payment.order).window(globalWindows())
    // @ts-expect-error coGroup must not return a Promise
    groupWindows.apply(async (_some, _others, _ctx, _out: Out<number>) => {}, { uid: 'a' })
    const { onMerge: _onMerge, ...unmergeable } = countTrigger(1)
    const sessions = byNumber.equalTo((payment) => payment.order).window(eventTimeSessionWindows(1))
    // @ts-expect-error windows merge, and the trigger cannot
    sessions.trigger(unmergeable)
  })
})

test('windows have sum, min, max, minBy, maxBy and topN over the same fields', () => {
  unused((orders) => {
    const windowed = orders.keyBy((order) => order.shop).window(eventTimeSessionWindows('1h'))
    expectTypeOf(windowed.sum('cents', { uid: 'a' })).toEqualTypeOf<DataStream<Order>>()
    expectTypeOf(windowed.min('shop', { uid: 'a' })).toEqualTypeOf<DataStream<Order>>()
    expectTypeOf(windowed.max('total', { uid: 'a' })).toEqualTypeOf<DataStream<Order>>()
    expectTypeOf(windowed.minBy('level', { uid: 'a' })).toEqualTypeOf<DataStream<Order>>()
    windowed.maxBy('cents', { uid: 'a', first: false })
    const top = windowed.topN(2, { uid: 'a', by: (order) => order.total })
    expectTypeOf(top).toEqualTypeOf<DataStream<readonly Order[]>>()
    // @ts-expect-error text has no sum
    windowed.sum('shop', { uid: 'a' })
    // @ts-expect-error may be missing
    windowed.min('tip', { uid: 'a' })
    // @ts-expect-error a Date: compare its getTime()
    windowed.maxBy('at', { uid: 'a' })
    // @ts-expect-error by what
    windowed.topN(3, { uid: 'a' })
    // @ts-expect-error a uid is required
    windowed.sum('cents', {})
  })
})
