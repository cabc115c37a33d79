import { describe, expect, test } from 'vitest'
import {
  collectionSink,
  collectionSource,
  type DataStream,
  job,
  monotonousTimestamps,
  processFunction,
  punctuatedWatermarks,
  StreamError,
  tumblingEventTimeWindows,
  type WatermarkStrategy,
} from 'millrace'
import { testJob } from 'millrace/testing'

// What users meet when a function of theirs fails, through the whole engine.

interface Order {
  readonly shop: string
  readonly time: number
}

const NOON = 1_700_000_000_000
const ORDERS: readonly Order[] = [
  { shop: 'a', time: NOON },
  { shop: 'b', time: NOON + 1 },
]

function pipeline(
  define: (orders: DataStream<Order>) => DataStream<unknown>,
  watermarks?: WatermarkStrategy<Order>,
) {
  return job('failing', {}, (env) => {
    const options = watermarks === undefined ? {} : { watermarks }
    const orders = env.fromSource(collectionSource<Order>(ORDERS), { uid: 'orders', ...options })
    define(orders).sinkTo(collectionSink(), { uid: 'out' })
  })
}

async function failure(...args: Parameters<typeof pipeline>): Promise<StreamError> {
  try {
    await testJob(pipeline(...args))
  } catch (error) {
    return error as StreamError
  }
  throw new Error('nothing failed')
}

const counts = {
  create: () => 0,
  add: (count: number) => count + 1,
  result: (count: number) => count,
}

describe('a function of the user', () => {
  test('that throws in open() is named, with a code', async () => {
    const open = () => Promise.reject(new Error('no such table'))
    const map = { open, map: (order: Order) => order }
    const error = await failure((orders) => orders.map(map, { uid: 'look-up' }))
    expect(error).toMatchObject({
      code: 'MR_REPEATED_FAILURE',
      cause: { code: 'MR_FUNCTION_FAILED' },
      message: expect.stringContaining(
        'Operator "look-up", open(): the function threw Error: no such table;',
      ) as string,
    })
  })

  test.each([
    ['map', (orders: DataStream<Order>) => orders.map((o) => o, { onError: 'sikp' as 'skip' })],
    [
      'filter',
      (orders: DataStream<Order>) => orders.filter(() => true, { onError: null as never }),
    ],
    ['flatMap', (orders: DataStream<Order>) => orders.flatMap(() => [], { onError: {} as never })],
  ] as const)(
    'whose onError there is not is refused before anything runs: %s',
    async (method, define) => {
      await expect(async () => testJob(pipeline(define))).rejects.toMatchObject({
        code: 'MR_OPTION_INVALID',
        message: expect.stringContaining(`${method}() has an onError`) as string,
      })
    },
  )

  test('that returns a promise fails the job at its first record, without a restart (R15, R38)', async () => {
    const error = await failure((orders) => orders.map((async (o: Order) => o) as never))
    expect(error).toMatchObject({ name: 'StreamError', code: 'MR_FUNCTION_ASYNC' })
    expect(error.message).toContain(`Operator "map#1", record { shop: 'a', time: ${NOON} }`)
  })

  test('of map that throws fails the job, without a restart, naming operator, record and position (R20, R38, R39)', async () => {
    const error = await failure((orders) =>
      orders.map(
        (order) => {
          if (order.shop === 'b') throw new RangeError('no such shop')
          return order.shop
        },
        { uid: 'shops' },
      ),
    )
    expect(error).toMatchObject({ name: 'StreamError', code: 'MR_FUNCTION_FAILED' })
    expect(error.message).toContain(`Operator "shops", record { shop: 'b', time: ${NOON + 1} }`)
    expect(error.message).toContain('RangeError: no such shop')
    expect(error.message).toContain('value 1 of the collection')
  })

  test('behind a keyBy is named with its key (R39)', async () => {
    const error = await failure((orders) =>
      orders
        .keyBy((order) => order.shop)
        .process(
          processFunction({
            processElement: (async () => {}) as never,
          }),
          { uid: 'process' },
        ),
    )
    expect(error.code).toBe('MR_FUNCTION_ASYNC')
    expect(error.message).toContain("(key 'a'")
  })

  test('of a timer names the timer and no position: no record is at fault, though one carried the watermark (R39)', async () => {
    const error = await failure(
      (orders) =>
        orders
          .keyBy((order) => order.shop)
          .process(
            processFunction({
              processElement(order: Order, ctx) {
                ctx.timers.registerEventTime(order.time)
              },
              onTimer() {
                throw new StreamError('MR_BAD_RECORD', 'told')
              },
            }),
            { uid: 'process' },
          ),
      punctuatedWatermarks(
        ({ time }) => time,
        ({ time }) => time,
      ),
    )
    expect(error.message).toContain(
      `Operator "process", event-time timer at ${NOON}: told (key 'a') (subtask 0) (testJob`,
    )
  })

  test.each<[string, unknown, string]>([
    ['undefined', undefined, 'MR_KEY_INVALID'],
    ['NaN', Number.NaN, 'MR_KEY_INVALID'],
    ['an object', {}, 'MR_KEY_INVALID'],
    ['a promise', Promise.resolve('a'), 'MR_KEY_INVALID'],
  ])('for keys that returns %s fails the job (R15, R19)', async (_what, key, code) => {
    const error = await failure((orders) =>
      orders.keyBy((() => key) as () => string).reduce((a) => a, { uid: 'reduce' }),
    )
    expect(error.code).toBe(code)
    expect(error.message).toContain('before operator "reduce"')
  })
})

describe('timestamps', () => {
  test.each<[string, unknown]>([
    ['a Date', new Date(NOON)],
    ['NaN', Number.NaN],
    ['a fraction', 0.5],
  ])('that are %s fail the job, naming source and record (N6, R39)', async (_what, timestamp) => {
    const watermarks = monotonousTimestamps((() => timestamp) as () => number)
    const error = await failure((orders) => orders, watermarks)
    expect(error).toMatchObject({ name: 'StreamError', code: 'MR_TIMESTAMP_INVALID' })
    expect(error.message).toContain(`Operator "orders", record { shop: 'a', time: ${NOON} }`)
  })

  test('that look like seconds are warned of, once a subtask (N6)', async () => {
    const watermarks = monotonousTimestamps((order: Order) => Math.floor(order.time / 1_000))
    const { events } = await testJob(pipeline((orders) => orders, watermarks))
    const lines = events.flatMap((event) => (event.type === 'log' ? [event] : []))
    expect(lines.map(({ uid, line }) => [uid, line.slice(0, 50)])).toEqual([
      ['orders', 'warning: a record has the timestamp 1700000000, wh'],
    ])
  })

  test('that are missing fail a window of event time, with the way out', async () => {
    const error = await failure((orders) =>
      orders
        .keyBy((order) => order.shop)
        .window(tumblingEventTimeWindows('1h'))
        .aggregate(counts, { uid: 'hourly' }),
    )
    expect(error.code).toBe('MR_TIMESTAMP_INVALID')
    expect(error.message).toContain('give the source a strategy')
  })

  test('of a window that closes are named when its function throws (R39)', async () => {
    const windowed = pipeline(
      (orders) =>
        orders
          .keyBy((order) => order.shop)
          .window(tumblingEventTimeWindows('1h'))
          .aggregate(
            counts,
            () => {
              throw new StreamError('MR_BAD_RECORD', 'told')
            },
            { uid: 'hourly' },
          ),
      monotonousTimestamps((order: Order) => order.time),
    )
    const start = NOON - (NOON % 3_600_000)
    await expect(testJob(windowed)).rejects.toThrow(
      `Operator "hourly", window [${start}, ${start + 3_600_000}) at ${start + 3_599_999}: told`,
    )
  })

  test('a side output that is named by a text is refused, and not taken for the main output', async () => {
    const error = await failure((orders) =>
      orders.process((order, ctx) => ctx.output('late' as never, order)),
    )
    expect(error.code).toBe('MR_OPTION_INVALID')
    expect(error.message).toMatch(
      /which is no output tag; .* give what outputTag\('name'\) returned/,
    )
  })
})
