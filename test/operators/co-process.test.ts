import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  coProcessFunction,
  type DataStream,
  job,
  monotonousTimestamps,
  type Out,
  outputTag,
  type StreamEnvironment,
  valueState,
} from 'millrace'
import { testJob } from 'millrace/testing'

interface Ride {
  readonly id: number
  readonly time: number
}

interface Fare {
  readonly ride: number
  readonly cents: number
}

interface Trip {
  readonly id: number
  readonly cents: number
}

/** Joins each ride with its fare, whichever comes first; what has no partner an hour later goes to the side. */
const lonely = outputTag<number>('lonely')
const HOUR = 3_600_000

const joined = coProcessFunction({
  state: { ride: valueState<Ride>(), fare: valueState<Fare>() },
  processElement1(ride: Ride, ctx, out: Out<Trip>) {
    const fare = ctx.state.fare.value()
    if (fare === undefined) {
      ctx.state.ride.update(ride)
      ctx.timers.registerEventTime(ctx.timestamp + HOUR)
      return
    }
    ctx.state.fare.clear()
    out.emit({ id: ride.id, cents: fare.cents })
  },
  processElement2(fare: Fare, ctx, out: Out<Trip>) {
    const ride = ctx.state.ride.value()
    if (ride === undefined) {
      ctx.state.fare.update(fare)
      ctx.timers.registerEventTime(ctx.timestamp + HOUR)
      return
    }
    ctx.state.ride.clear()
    out.emit({ id: ride.id, cents: fare.cents })
  },
  onTimer(_timestamp, ctx) {
    const { ride, fare } = ctx.state
    if (ride.value() === undefined && fare.value() === undefined) return
    ctx.output(lonely, ctx.key as number)
    ride.clear()
    fare.clear()
  },
})

const START = Date.UTC(2026, 0, 1)

function ridesJob(rides: readonly Ride[], fares: readonly Fare[]) {
  return job('rides', {}, (env) => {
    const watermarks = monotonousTimestamps((ride: Ride) => ride.time)
    const left = env.fromSource(collectionSource(rides), { uid: 'rides', watermarks })
    const right = env.fromSource(collectionSource(fares), {
      uid: 'fares',
      watermarks: boundedOutOfOrderness('1s', (fare: Fare) => START + fare.ride),
    })
    const trips = left
      .keyBy((ride) => ride.id)
      .connect(right.keyBy((fare) => fare.ride))
      .process(joined, { uid: 'joined' })
    trips.sinkTo(collectionSink(), { uid: 'trips' })
    trips.getSideOutput(lonely).sinkTo(collectionSink(), { uid: 'lonely' })
  })
}

describe('connected keyed streams', () => {
  it('share state and timers of each key, whatever the order, through crashes (semantics 1.3, R12, R40)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(30), { maxLength: 40 }),
        fc.array(fc.nat(30), { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        fc.nat(400),
        async (rideIds, fareIds, parallelism, seed, crashAt) => {
          const ids = [...new Set(rideIds)].sort((a, b) => a - b)
          const paid = [...new Set(fareIds)]
          const rides = ids.map((id) => ({ id, time: START + id }))
          const fares = paid.map((ride) => ({ ride, cents: ride * 100 }))
          const { collected } = await testJob(ridesJob(rides, fares), {
            parallelism,
            seed,
            crashAt: crashAt % 2 === 0 ? [] : [{ step: crashAt * 5 }],
          })
          const trips = (collected['trips'] as Trip[]).toSorted((a, b) => a.id - b.id)
          const both = ids.filter((id) => paid.includes(id))
          expect(trips).toEqual(both.map((id) => ({ id, cents: id * 100 })))
          const alone = [...new Set([...ids, ...paid])].filter((id) => !both.includes(id))
          expect((collected['lonely'] as number[]).toSorted((a, b) => a - b)).toEqual(
            alone.sort((a, b) => a - b),
          )
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('connected streams without keys', () => {
  async function collect<R>(
    build: (
      left: DataStream<number>,
      right: DataStream<string>,
      env: StreamEnvironment,
    ) => DataStream<R>,
    parallelism = 1,
  ): Promise<unknown[]> {
    const declared = job('connected', {}, (env) => {
      const left = env.fromSource(collectionSource([1, 2, 3]), { uid: 'left' })
      const right = env.fromSource(collectionSource(['a', 'b']), { uid: 'right' })
      build(left, right, env).sinkTo(collectionSink(), { uid: 'out' })
    })
    const { collected } = await testJob(declared, { parallelism })
    return [...collected['out']!].sort()
  }

  it.each([1, 3])(
    'map and flatMap call a function for each input (semantics 1.1), parallelism %i',
    async (parallelism) => {
      const mapped = await collect(
        (left, right) => left.connect(right).map({ map1: (n) => `${n}`, map2: (text) => text }),
        parallelism,
      )
      expect(mapped).toEqual(['1', '2', '3', 'a', 'b'])
      const flat = await collect(
        (left, right) =>
          left.connect(right).flatMap({
            flatMap1: (n, out: Out<string>) => {
              for (let i = 0; i < n; i++) out.emit(`${n}`)
            },
            flatMap2: (text) => [text, text],
          }),
        parallelism,
      )
      expect(flat).toEqual(['1', '2', '2', '3', '3', '3', 'a', 'a', 'b', 'b'])
    },
  )

  it('a stream may be connected to itself, and each input sees every record', async () => {
    const all = await collect((left) =>
      left.connect(left).map({ map1: (n) => `1:${n}`, map2: (n) => `2:${n}` }),
    )
    expect(all).toEqual(['1:1', '1:2', '1:3', '2:1', '2:2', '2:3'])
  })

  it('process sees timestamp and watermark, and has side outputs', async () => {
    const odd = outputTag<number>('odd')
    const seen = await collect((left, right) => {
      const out = left.connect(right).process({
        processElement1(n, ctx, out: Out<unknown>) {
          if (n % 2 === 1) ctx.output(odd, n)
          else out.emit([n, ctx.timestamp, ctx.currentWatermark])
        },
        processElement2(text, ctx, out: Out<unknown>) {
          out.emit([text, ctx.subtaskIndex])
        },
      })
      return out.union(out.getSideOutput(odd))
    })
    expect(seen).toEqual([1, [2, -Infinity, -Infinity], 3, ['a', 0], ['b', 0]].sort())
  })
})
