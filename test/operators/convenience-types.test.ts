import { expectTypeOf, test } from 'vitest'
import {
  approximateCountDistinct,
  averageOf,
  count,
  countDistinct,
  type DataStream,
  eventTimeSessionWindows,
  maxOf,
  minOf,
  sumOf,
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
