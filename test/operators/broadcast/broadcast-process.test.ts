import { describe, expect, it } from 'vitest'
import {
  broadcastProcessFunction,
  collectionSink,
  collectionSource,
  type DataStream,
  job,
  mapState,
  type Out,
} from 'millrace'
import { at, pause, testJob, verifyOperator } from 'millrace/testing'

interface Rate {
  readonly currency: string
  readonly rate: number
}

interface Price {
  readonly id: number
  readonly currency: string
}

/** Prices at the rates known by then; each rate is told by every subtask. */
const converted = broadcastProcessFunction({
  broadcastState: { rates: mapState<string, Rate>() },
  processElement(price: Price, ctx, out: Out<unknown>) {
    const rate = ctx.broadcastState.rates.get(price.currency)?.rate
    out.emit([price.id, rate, [...ctx.broadcastState.rates.keys()].length])
  },
  processBroadcastElement(rate: Rate, ctx, out: Out<unknown>) {
    ctx.broadcastState.rates.put(rate.currency, rate)
    out.emit(`${ctx.subtaskIndex}: ${rate.currency}`)
  },
})

const CURRENCIES = ['chf', 'eur', 'usd', 'yen']
const RATES = CURRENCIES.map((currency, index): Rate => ({ currency, rate: index + 1 }))

/** Prices begin long after the last rate has gone to every subtask, and come slowly. */
function conversion(prices: readonly Price[]) {
  // A pause that is cut short by a crash does not begin anew, so there are several.
  const pauses = Array.from({ length: 5 }, () => pause(100))
  const slowly = prices.flatMap((price) => [pause(15), price])
  return job('conversion', {}, (env) => {
    const rates = env.fromSource(collectionSource(RATES), { uid: 'rates' })
    const all = env.fromSource(collectionSource([...pauses, ...slowly]), { uid: 'prices' })
    all
      .rebalance()
      .connect(rates.broadcast())
      .process(converted, { uid: 'converted' })
      .sinkTo(collectionSink(), { uid: 'out' })
  })
}

const PRICES = Array.from({ length: 12 }, (_, id): Price => {
  return { id, currency: CURRENCIES[id % 3]! }
})

describe('a broadcast function', () => {
  it.each([1, 3])(
    'has each broadcast record in every subtask once, and finds it after crashes (semantics 1.3, 2.18), parallelism %i',
    async (parallelism) => {
      for (let seed = 0; seed < 6; seed++) {
        const { collected, crashes } = await testJob(conversion(PRICES), {
          parallelism,
          seed,
          checkpointInterval: '20ms',
          crashAt: [
            { step: 40 + seed * 11 },
            'after-publish:3',
            { step: 300, kind: 'thread', slot: 0 },
          ],
        })
        expect(crashes.length).toBeGreaterThan(0)
        const out = collected['out']!
        const told = out.filter((one) => typeof one === 'string').sort()
        expect(told).toEqual(
          Array.from({ length: parallelism }, (_, subtask) =>
            CURRENCIES.map((currency) => `${subtask}: ${currency}`),
          ).flat(),
        )
        const prices = out.filter((one): one is number[] => Array.isArray(one))
        expect(prices.sort(([a], [b]) => a! - b!)).toEqual(
          PRICES.map(({ id, currency }) => [id, CURRENCIES.indexOf(currency) + 1, 4]),
        )
      }
    },
  )

  it('emits with the timestamps of its records, from both inputs, and its time is the lower of the two (semantics 2.6)', async () => {
    const stamped = broadcastProcessFunction({
      broadcastState: { seen: mapState<number, boolean>() },
      processElement(n: number, ctx, out: Out<unknown>) {
        out.emit([n, ctx.timestamp, ctx.currentWatermark])
      },
      processBroadcastElement(n: number, ctx, out: Out<unknown>) {
        ctx.broadcastState.seen.put(n, true)
        out.emit([n, ctx.timestamp, ctx.currentWatermark])
      },
    })
    const build = (numbers: DataStream<number>) =>
      numbers.connect(numbers.broadcast()).process(stamped, { uid: 'stamped' })
    await verifyOperator(build, {
      input: [{ value: 1, timestamp: 5 }, { watermark: 7 }, { value: 2, timestamp: 8 }],
      expected: [
        [1, 5, -Infinity],
        [1, 5, -Infinity],
        [2, 8, 7],
        [2, 8, 7],
      ],
    })
  })

  it('without broadcast state, a stream may be connected with a broadcast one for map and flatMap', async () => {
    const both = job('both', {}, (env) => {
      const numbers = env.fromSource(collectionSource([1, 2, 3]), { uid: 'numbers' })
      const letters = env.fromSource(collectionSource([at('a', 1_700_000_000_000)]), {
        uid: 'letters',
      })
      numbers
        .connect(letters.broadcast())
        .map({ map1: (n) => `${n}`, map2: (letter) => letter })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const { collected } = await testJob(both, { parallelism: 3 })
    expect([...collected['out']!].sort()).toEqual(['1', '2', '3', 'a', 'a', 'a'])
  })
})
