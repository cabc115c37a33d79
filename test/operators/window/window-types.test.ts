import { expectTypeOf, test } from 'vitest'
import {
  type AggregateFunction,
  continuousEventTimeTrigger,
  countEvictor,
  countTrigger,
  type DataStream,
  deltaEvictor,
  deltaTrigger,
  eventTimeSessionWindows,
  eventTimeTrigger,
  type GlobalWindow,
  globalWindows,
  mapState,
  type MapState,
  type MergingAggregateFunction,
  type Out,
  outputTag,
  processingTimeoutTrigger,
  purgingTrigger,
  slidingEventTimeWindows,
  type TimeWindow,
  tumblingEventTimeWindows,
  valueState,
  type ValueState,
  type WindowFunction,
  windowProcessFunction,
} from 'millrace'

// These are checked by the compiler (tsconfig.test.json): the functions are never called.

interface Order {
  readonly shop: string
  readonly cents: number
  readonly gap: number
}

type Orders = DataStream<Order>

function unused(_code: (orders: Orders) => void): void {}

const plainSum: AggregateFunction<Order, number, number> = {
  create: () => 0,
  add: (soFar, order) => soFar + order.cents,
  result: (total) => total,
}

const mergingSum: MergingAggregateFunction<Order, number, string> = {
  create: () => 0,
  add: (soFar, order) => soFar + order.cents,
  result: (total) => String(total),
  merge: (a, b) => a + b,
}

test('window, aggregate, reduce and process infer with no annotation but that of the collector (N1)', () => {
  unused((orders) => {
    const windowed = orders.keyBy((order) => order.shop).window(tumblingEventTimeWindows('1h'))
    expectTypeOf(windowed.aggregate(plainSum, { uid: 'a' })).toEqualTypeOf<DataStream<number>>()
    const inline = windowed.aggregate(
      {
        create: () => ({ count: 0 }),
        add: (soFar, order) => ({ count: soFar.count + order.cents }),
        result: ({ count }) => `${count}`,
      },
      { uid: 'b' },
    )
    expectTypeOf(inline).toEqualTypeOf<DataStream<string>>()
    const called = windowed.aggregate(
      plainSum,
      (sum, ctx, out: Out<{ shop: string; sum: number }>) => {
        expectTypeOf(sum).toBeNumber()
        expectTypeOf(ctx.key).toBeString()
        expectTypeOf(ctx.window).toEqualTypeOf<TimeWindow>()
        out.emit({ shop: ctx.key, sum })
      },
      { uid: 'c' },
    )
    expectTypeOf(called).toEqualTypeOf<DataStream<{ shop: string; sum: number }>>()
    expectTypeOf(
      windowed.reduce((a, b) => (a.cents > b.cents ? a : b), { uid: 'd' }),
    ).toEqualTypeOf<Orders>()
    const reduced = windowed.reduce(
      (a) => a,
      (order, ctx, out: Out<number>) => out.emit(order.cents + ctx.window.start),
      { uid: 'e' },
    )
    expectTypeOf(reduced).toEqualTypeOf<DataStream<number>>()
    const processed = windowed.process(
      windowProcessFunction({
        windowState: { seen: valueState<number>() },
        globalState: { byShop: mapState<string, bigint>() },
        process(elements: readonly Order[], ctx, out: Out<number>) {
          expectTypeOf(ctx.key).toBeString()
          expectTypeOf(ctx.window).toEqualTypeOf<TimeWindow>()
          expectTypeOf(ctx.windowState.seen).toEqualTypeOf<ValueState<number>>()
          expectTypeOf(ctx.globalState.byShop).toEqualTypeOf<MapState<string, bigint>>()
          // @ts-expect-error not declared
          void ctx.windowState.byShop
          out.emit(elements.length)
        },
      }),
      { uid: 'f' },
    )
    expectTypeOf(processed).toEqualTypeOf<DataStream<number>>()
    // @ts-expect-error a uid is required
    windowed.aggregate(plainSum, {})
    const shops = orders.map((order) => order.shop).keyBy((shop) => shop)
    // @ts-expect-error the aggregate takes other records
    shops.window(tumblingEventTimeWindows(1)).aggregate(plainSum, { uid: 'g' })
  })
})

test('a function in a factory is annotated once, and fits windows of time', () => {
  const named = () =>
    windowProcessFunction({
      process(elements: readonly Order[], ctx, out: Out<string>) {
        expectTypeOf(ctx.window.start).toBeNumber()
        out.emit(`${ctx.window.start}: ${elements.length}`)
      },
    })
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    expectTypeOf(
      keyed.window(eventTimeSessionWindows('1m')).process(named(), { uid: 'a' }),
    ).toEqualTypeOf<DataStream<string>>()
    // @ts-expect-error the window of all of time has no start
    keyed.window(globalWindows()).process(named(), { uid: 'b' })
  })
})

test('an aggregate without merge on session windows does not compile', () => {
  unused((orders) => {
    const sessions = orders.keyBy((order) => order.shop).window(eventTimeSessionWindows('10m'))
    expectTypeOf(sessions.aggregate(mergingSum, { uid: 'a' })).toEqualTypeOf<DataStream<string>>()
    // @ts-expect-error merge is missing, or may be
    sessions.aggregate(plainSum, { uid: 'b' })
    sessions.aggregate(
      // @ts-expect-error merge is missing
      {
        create: () => 0,
        add: (sum: number, { cents }: Order) => sum + cents,
        result: (sum: number) => sum,
      },
      { uid: 'c' },
    )
    const named: WindowFunction<string, number, string> = (sum, _ctx, out) => out.emit(sum.length)
    expectTypeOf(sessions.aggregate(mergingSum, named, { uid: 'd' })).toEqualTypeOf<
      DataStream<number>
    >()
    // @ts-expect-error merge is missing, or may be
    sessions.aggregate(plainSum, (sum, _ctx, out: Out<number>) => out.emit(sum), { uid: 'e' })
    // A reduce function merges anyway.
    sessions.reduce((a) => a, { uid: 'f' })
  })
})

test('a trigger that cannot merge on session windows does not compile', () => {
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    const sessions = keyed.window(eventTimeSessionWindows('10m'))
    sessions.trigger(eventTimeTrigger())
    sessions.trigger(countTrigger(3))
    sessions.trigger(purgingTrigger(continuousEventTimeTrigger('1m')))
    const far = deltaTrigger(3, (a: Order, b: Order) => b.cents - a.cents)
    // @ts-expect-error a delta trigger cannot merge
    sessions.trigger(far)
    // @ts-expect-error nor can a purging one around it
    sessions.trigger(purgingTrigger(far))
    // @ts-expect-error nor a processing timeout
    sessions.trigger(processingTimeoutTrigger(countTrigger(3), '1s'))
    keyed.window(globalWindows()).trigger(purgingTrigger(far))
    keyed.window(globalWindows()).trigger(processingTimeoutTrigger(countTrigger(3), '1s'))
    const longer = deltaTrigger(3, (a: string, b: string) => a.length - b.length)
    // @ts-expect-error for other records
    keyed.window(globalWindows()).trigger(longer)
  })
})

test('a session gap of each record sees the record', () => {
  unused((orders) => {
    const keyed = orders.keyBy((order) => order.shop)
    const windowed = keyed.window(
      eventTimeSessionWindows((order: Order) => {
        expectTypeOf(order).toEqualTypeOf<Order>()
        return order.gap
      }),
    )
    expectTypeOf(windowed.aggregate(mergingSum, { uid: 'a' })).toEqualTypeOf<DataStream<string>>()
    keyed.window(eventTimeSessionWindows((order) => order.gap)).aggregate(mergingSum, { uid: 'b' })
    // @ts-expect-error of other records
    keyed.window(eventTimeSessionWindows((order: { other: number }) => order.other))
  })
})

test('a trigger as a plain object infers its states from their declaration', () => {
  unused((orders) => {
    orders
      .keyBy((order) => order.shop)
      .window(slidingEventTimeWindows('1h', '10m'))
      .trigger({
        state: { seen: valueState<number>() },
        onElement(order, timestamp, window, ctx) {
          expectTypeOf(order).toEqualTypeOf<Order>()
          expectTypeOf(timestamp).toBeNumber()
          expectTypeOf(window).toEqualTypeOf<TimeWindow>()
          expectTypeOf(ctx.state.seen).toEqualTypeOf<ValueState<number>>()
          // @ts-expect-error not declared
          void ctx.state.other
          return 'continue'
        },
        onEventTime: () => 'fire-and-purge',
        onProcessingTime: () => 'purge',
        onMerge(_window, ctx) {
          ctx.mergeValue('seen', (a, b) => a + b)
          // @ts-expect-error of no such state
          ctx.mergeValue('other', (a: number) => a)
        },
        clear: (_window, { state }) => state.seen.clear(),
      })
      .aggregate(plainSum, { uid: 'a' })
  })
})

test('settings and other windows', () => {
  unused((orders) => {
    const keyed = orders.keyBy((order) => [order.shop, order.cents])
    const late = outputTag<Order>('late')
    const all = keyed
      .window(globalWindows())
      .evictor(countEvictor(3))
      .evictor(deltaEvictor(3, (a: Order, b) => b.cents - a.cents))
      .allowedLateness('1m')
      .sideOutputLateData(late)
      .lateFiring({ atMostEvery: '10s' })
    const counted = all.reduce(
      (a) => a,
      (order, ctx, out: Out<number>) => {
        expectTypeOf(ctx.key).toEqualTypeOf<readonly [string, number]>()
        expectTypeOf(ctx.window).toEqualTypeOf<GlobalWindow>()
        // @ts-expect-error the window of all of time has no start
        void ctx.window.start
        out.emit(order.cents)
      },
      { uid: 'a' },
    )
    expectTypeOf(counted).toEqualTypeOf<DataStream<number>>()
    // @ts-expect-error the tag of other records
    all.sideOutputLateData(outputTag<string>('text'))
    expectTypeOf(keyed.countWindow(3, 1).aggregate(plainSum, { uid: 'b' })).toEqualTypeOf<
      DataStream<number>
    >()
    orders.windowAll(tumblingEventTimeWindows('1h')).aggregate(
      plainSum,
      (sum, ctx, out: Out<number>) => {
        expectTypeOf(ctx.window).toEqualTypeOf<TimeWindow>()
        out.emit(sum)
      },
      { uid: 'c' },
    )
    // @ts-expect-error only streams behind a keyBy have keyed windows
    orders.window(tumblingEventTimeWindows('1h'))
  })
})
