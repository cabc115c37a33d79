import { expectTypeOf, test } from 'vitest'
import {
  type AggregateFunction,
  aggregatingState,
  type AggregatingState,
  boundedOutOfOrderness,
  coProcessFunction,
  collectionSource,
  csv,
  type DataStream,
  fileSource,
  job,
  json,
  listState,
  type ListState,
  mapState,
  type MapState,
  type Out,
  outputTag,
  param,
  processFunction,
  reducingState,
  type ReducingState,
  type StreamEnvironment,
  tumblingEventTimeWindows,
  valueState,
  type ValueState,
  type WindowFunction,
} from 'millrace'
import type { Synchronous } from '../../operators/function.ts'
import type { MapMustBeSynchronous } from '../../operators/map.ts'

// These are checked by the compiler (tsconfig.test.json): the functions are never called.

interface Order {
  readonly shop: string
  readonly cents: number
  readonly time: number
}

type Env = StreamEnvironment
type Orders = DataStream<Order>

function unused(_code: (env: Env, orders: Orders) => void): void {}

test('keyBy infers literal types, tuples included (N1)', () => {
  unused((_env, orders) => {
    orders
      .keyBy((order) => order.shop)
      .process(
        processFunction({
          processElement(order: Order, ctx, out: Out<string>) {
            expectTypeOf(ctx.key).toEqualTypeOf<string>()
            out.emit(order.shop)
          },
        }),
        { uid: 'a' },
      )
    const window = orders.keyBy((order) => [order.shop, order.cents])
    window.window(tumblingEventTimeWindows('1h')).aggregate(
      count,
      (_count, ctx, out: Out<string>) => {
        expectTypeOf(ctx.key).toEqualTypeOf<readonly [string, number]>()
        out.emit(ctx.key[0])
      },
      { uid: 'b' },
    )
    // @ts-expect-error an object is no key
    orders.keyBy((order) => ({ shop: order.shop }))
    // @ts-expect-error a promise is no key
    orders.keyBy(async (order) => order.shop)
    // @ts-expect-error undefined is no key
    orders.keyBy((order) => (order.cents > 0 ? order.shop : undefined))
  })
})

const count: AggregateFunction<Order, number, number> = {
  create: () => 0,
  add: (soFar) => soFar + 1,
  result: (total) => total,
}

test('a process function infers its state from the declaration (N1)', () => {
  const declared = processFunction({
    state: {
      flag: valueState<{ seq: number }>(),
      recent: listState<number>(),
      byKind: mapState<string, bigint>(),
    },
    processElement(order: Order, ctx, out: Out<Order>) {
      expectTypeOf(ctx.state.flag).toEqualTypeOf<ValueState<{ seq: number }>>()
      expectTypeOf(ctx.state.recent).toEqualTypeOf<ListState<number>>()
      expectTypeOf(ctx.state.byKind).toEqualTypeOf<MapState<string, bigint>>()
      // @ts-expect-error not declared
      void ctx.state.other
      // @ts-expect-error of another type
      ctx.state.flag.update({ seq: '1' })
      out.emit(order)
    },
    onTimer(timestamp, ctx) {
      expectTypeOf(timestamp).toBeNumber()
      expectTypeOf(ctx.timeDomain).toEqualTypeOf<'event' | 'processing'>()
      expectTypeOf(ctx.state.flag.value()).toEqualTypeOf<{ seq: number } | undefined>()
    },
  })
  unused((_env, orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    expectTypeOf(keyed.process(declared, { uid: 'a' })).toEqualTypeOf<DataStream<Order>>()
    // @ts-expect-error a uid is required
    keyed.process(declared, {})
    // @ts-expect-error onError is not for functions with state (R20)
    keyed.process(declared, { uid: 'a', onError: 'skip' })
    const cents = orders.map((order) => order.cents).keyBy((value) => value)
    // @ts-expect-error takes other records
    cents.process(declared, { uid: 'a' })
  })
})

test('reducing and aggregating state infer their types from their functions (N1)', () => {
  processFunction({
    state: {
      largest: reducingState((a: number, b: number) => Math.max(a, b), { ttl: '1h' }),
      total: aggregatingState(count),
      ages: aggregatingState({
        create: () => new Map<string, number>(),
        add: (ages, order: Order) => ages.set(order.shop, order.time),
        result: (ages) => [...ages.keys()],
      }),
    },
    processElement(order: Order, ctx) {
      expectTypeOf(ctx.state.largest).toEqualTypeOf<ReducingState<number>>()
      expectTypeOf(ctx.state.total).toEqualTypeOf<AggregatingState<Order, number>>()
      expectTypeOf(ctx.state.ages).toEqualTypeOf<AggregatingState<Order, string[]>>()
      ctx.state.total.add(order)
      // @ts-expect-error of another type
      ctx.state.total.add(1)
      // @ts-expect-error is added to, not set
      ctx.state.largest.update(1)
    },
  })
  // @ts-expect-error a promise is no value (R15)
  reducingState(async (a: number, b: number) => a + b)
  // @ts-expect-error there is no result
  aggregatingState({ create: () => 0, add: (sum: number, n: number) => sum + n })
  // @ts-expect-error no duration
  valueState<number>({ ttl: '1 week' })
  // @ts-expect-error no such clock
  listState<number>({ ttl: { duration: '1h', timeDomain: 'ingestion' } })
  mapState<string, number>({ ttl: { duration: '1h', timeDomain: 'event' } })
})

test('a factory of process functions keeps its types (N1)', () => {
  const factory = (limit: number) =>
    processFunction({
      state: { total: valueState<number>() },
      processElement(order: Order, ctx, out: Out<{ over: number }>) {
        const total = (ctx.state.total.value() ?? 0) + order.cents
        expectTypeOf(total).toBeNumber()
        if (total > limit) out.emit({ over: total - limit })
      },
    })
  unused((_env, orders) => {
    const out = orders.keyBy((order) => order.shop).process(factory(1), { uid: 'a' })
    expectTypeOf(out).toEqualTypeOf<DataStream<{ over: number }>>()
  })
})

test('a collector without a type takes nothing, so it cannot be forgotten (N1)', () => {
  processFunction({
    processElement(order: Order, _ctx, out) {
      // @ts-expect-error annotate the collector
      out.emit(order)
    },
  })
})

test('asynchronous functions do not compile (N2, R15)', () => {
  unused((_env, orders) => {
    // @ts-expect-error map must not return a Promise
    orders.map(async (order) => order.cents)
    // @ts-expect-error nor in the form of an object
    orders.map({ map: async (order: Order) => order.cents })
    // @ts-expect-error filter must not return a Promise
    orders.filter(async (order) => order.cents > 0)
    // @ts-expect-error flatMap must not return a Promise
    orders.flatMap(async (order) => [order])
    // @ts-expect-error flatMap must not return a Promise
    orders.flatMap(async (order, out: Out<Order>) => out.emit(order))
    const keyed = orders.keyBy((order) => order.shop)
    // @ts-expect-error reduce must not return a Promise
    keyed.reduce(async (a) => a, { uid: 'a' })
    const async = processFunction({
      // @ts-expect-error processElement must not return a Promise
      async processElement(_order: Order, _ctx, _out: Out<Order>) {},
    })
    void async
    // @ts-expect-error a window function must not return a Promise
    const asyncWindow: WindowFunction<number, number> = async (_count, _ctx, _out) => {}
    void asyncWindow
  })
  // @ts-expect-error the function of a job must not return a Promise
  job('a', {}, async () => {})
})

test('the type of an asynchronous result is a text that says what to do (N2)', () => {
  expectTypeOf<Synchronous<number, MapMustBeSynchronous>>().toEqualTypeOf<number>()
  expectTypeOf<Synchronous<Promise<number>, MapMustBeSynchronous>>().toEqualTypeOf<
    Promise<number> & 'map must not return a Promise: use asyncMap'
  >()
})

test('map, filter and flatMap infer what comes out', () => {
  unused((_env, orders) => {
    expectTypeOf(orders.map((order) => order.cents)).toEqualTypeOf<DataStream<number>>()
    expectTypeOf(orders.map({ map: (order) => order.shop })).toEqualTypeOf<DataStream<string>>()
    expectTypeOf(orders.filter((order) => order.cents > 1)).toEqualTypeOf<Orders>()
    const mixed = orders.map((order) => (order.cents > 1 ? order.shop : order.cents))
    const texts = mixed.filter((value): value is string => typeof value === 'string')
    expectTypeOf(texts).toEqualTypeOf<DataStream<string>>()
    expectTypeOf(mixed.filter((value) => typeof value === 'number')).toEqualTypeOf<
      DataStream<number>
    >()
    expectTypeOf(orders.flatMap((order) => [order.cents])).toEqualTypeOf<DataStream<number>>()
    const emitted = orders.flatMap((order, out: Out<string>) => {
      out.emit(order.shop)
    })
    expectTypeOf(emitted).toEqualTypeOf<DataStream<string>>()
    // @ts-expect-error a number is not a condition
    orders.filter((order) => order.cents)
  })
})

test('a source gives its records to the watermark strategy and to the stream (N1, N3)', () => {
  unused((env) => {
    const rows = csv({ columns: { seq: 'number', cc_num: 'string' } })
    const cards = env.fromSource(fileSource({ path: 'cards.csv', format: rows }), {
      uid: 'a',
      watermarks: boundedOutOfOrderness('5s', (row) => {
        expectTypeOf(row).toEqualTypeOf<{ seq: number; cc_num: string }>()
        return row.seq
      }),
    })
    expectTypeOf(cards).toEqualTypeOf<DataStream<{ seq: number; cc_num: string }>>()
    const lines = env.fromSource(fileSource({ path: 'a.jsonl', format: json<Order>() }), {
      uid: 'b',
    })
    expectTypeOf(lines).toEqualTypeOf<Orders>()
    expectTypeOf(env.fromSource(collectionSource([1, 2]), { uid: 'c' })).toEqualTypeOf<
      DataStream<number>
    >()
    // @ts-expect-error a source needs a uid
    env.fromSource(collectionSource([1]), {})
    env.fromSource(collectionSource([1]), { uid: 'd', readFirst: true })
    // @ts-expect-error it is read first, or it is not
    env.fromSource(collectionSource([1]), { uid: 'e', readFirst: 'yes' })
  })
})

test('state and timers are for streams behind a keyBy (semantics 2.5)', () => {
  const timing = processFunction({
    processElement(_order: Order, ctx, _out: Out<string>) {
      ctx.timers.registerEventTime(1)
    },
    onTimer: (_timestamp, _ctx, out) => out.emit(''),
  })
  const timing2 = coProcessFunction({
    processElement1: (_order: Order, ctx, _out: Out<string>) => ctx.timers.registerEventTime(1),
    processElement2: (_order: Order, _ctx, _out) => {},
    onTimer: (_timestamp, _ctx, out) => out.emit(''),
  })
  unused((_env, orders) => {
    const byShop = orders.keyBy((order) => order.shop)
    expectTypeOf(byShop.process(timing, { uid: 'a' })).toEqualTypeOf<DataStream<string>>()
    // @ts-expect-error its records have no key
    orders.process(timing, { uid: 'b' })
    byShop.connect(byShop).process(timing2, { uid: 'c' })
    // @ts-expect-error its records have no key
    orders.connect(orders).process(timing2, { uid: 'd' })
    orders.process((_order, ctx, _out: Out<string>) => {
      // @ts-expect-error no timers
      void ctx.timers
      // @ts-expect-error no state
      void ctx.state
      // @ts-expect-error no key
      void ctx.key
    })
  })
})

test('unions, side outputs and streams of narrower types', () => {
  unused((_env, orders) => {
    const numbers = orders.map((order) => order.cents)
    const both = numbers.union(orders)
    expectTypeOf(both).toEqualTypeOf<DataStream<number | Order>>()
    expectTypeOf(numbers.union(numbers)).toEqualTypeOf<DataStream<number>>()
    const tag = outputTag<string>('texts')
    expectTypeOf(orders.getSideOutput(tag)).toEqualTypeOf<DataStream<string>>()
    const wider: DataStream<Order | number> = orders
    void wider
    processFunction({
      processElement(_order: Order, ctx, _out: Out<never>) {
        ctx.output(tag, 'text')
        // @ts-expect-error of another type than the tag
        ctx.output(tag, 1)
      },
    })
  })
})

test('parameters have the types of their declarations (N4)', () => {
  job(
    'typed',
    {
      params: {
        input: param.string('a.csv', 'Input file'),
        within: param.duration('60m'),
        small: param.number(5),
        dry: param.boolean(false),
        token: param.secret(),
      },
    },
    (_env, params) => {
      expectTypeOf(params).toEqualTypeOf<{
        readonly input: string
        readonly within: number
        readonly small: number
        readonly dry: boolean
        readonly token: string
      }>()
      // @ts-expect-error not declared
      void params.other
    },
  )
  unused(() => {
    // @ts-expect-error no duration
    param.duration('60 minutes')
  })
})

test('the last upcast returns what the state holds, and there is one for no version but those below', () => {
  interface Money {
    readonly cents: number
  }
  unused(() => {
    const money = (cents: number): Money => ({ cents })
    expectTypeOf(valueState<Money>({ version: 2, upcasts: { 1: money } })).not.toBeAny()
    valueState<Money>({ version: 3, upcasts: { 1: (euros: number) => euros * 100, 2: money } })
    valueState<Money>({ version: 3, upcasts: { 2: money }, ttl: '1h' })
    listState<Money>({ version: 2, upcasts: { 1: money } })
    mapState<string, Money>({ version: 2, upcasts: { 1: money } })
    reducingState((a: Money) => a, { version: 2, upcasts: { 1: money } })
    const sum = {
      create: () => ({ cents: 0 }),
      add: (all: Money, cents: number) => ({ cents: all.cents + cents }),
      result: (all: Money) => `${all.cents}`,
    }
    aggregatingState(sum, { version: 2, upcasts: { 1: money } })
    // @ts-expect-error the last upcast returns a number
    valueState<Money>({ version: 3, upcasts: { 1: money, 2: (old: Money) => old.cents } })
    // @ts-expect-error it is the accumulator that is stored
    aggregatingState(sum, { version: 2, upcasts: { 1: (old: number) => `${old}` } })
    // @ts-expect-error an element is upcast, not the list
    listState<Money>({ version: 2, upcasts: { 1: (old: Money[]) => old } })
    // @ts-expect-error the last upcast is missing
    valueState<Money>({ version: 3, upcasts: { 1: money } })
    // @ts-expect-error version 2 is what values become
    valueState<Money>({ version: 2, upcasts: { 1: money, 2: money } })
    // @ts-expect-error without a version there is nothing to upcast to
    valueState<Money>({ upcasts: { 1: money } })
    // @ts-expect-error upcasts do not wait
    valueState<Money>({ version: 2, upcasts: { 1: async (cents: number) => money(cents) } })
  })
})
