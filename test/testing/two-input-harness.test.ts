import { describe, expect, it } from 'vitest'
import { coProcessFunction, type DataStream, type Out, outputTag, valueState } from 'millrace'
import { operatorHarness, verifyOperator } from 'millrace/testing'

interface Ride {
  readonly id: number
  readonly to: string
}

interface Fare {
  readonly ride: number
  readonly cents: number
}

const T0 = 1_700_000_000_000
const MINUTE = 60_000
const LONELY = outputTag<unknown>('lonely')

/** Joins a ride with its fare; what has no partner a minute later goes to the side. */
const trips = () =>
  coProcessFunction({
    state: { ride: valueState<Ride>(), fare: valueState<Fare>() },
    processElement1(ride: Ride, ctx, out: Out<string>) {
      const fare = ctx.state.fare.value()
      if (fare !== undefined) {
        ctx.state.fare.clear()
        out.emit(`${ride.to}: ${fare.cents}`)
        return
      }
      ctx.state.ride.update(ride)
      ctx.timers.registerEventTime(ctx.timestamp + MINUTE)
    },
    processElement2(fare: Fare, ctx, out: Out<string>) {
      const ride = ctx.state.ride.value()
      if (ride !== undefined) {
        ctx.state.ride.clear()
        out.emit(`${ride.to}: ${fare.cents}`)
        return
      }
      ctx.state.fare.update(fare)
      ctx.timers.registerEventTime(ctx.timestamp + MINUTE)
    },
    onTimer(_timestamp, ctx) {
      const { ride, fare } = ctx.state
      if (ride.value() === undefined && fare.value() === undefined) return
      ctx.output(LONELY, ctx.key)
      ride.clear()
      fare.clear()
    },
  })

const keyBy = [(ride: Ride) => ride.id, (fare: Fare) => fare.ride] as const

describe('operatorHarness with two inputs', () => {
  it('takes a function over two keyed inputs, whose state both share (semantics 1.3)', async () => {
    const harness = await operatorHarness(trips(), { keyBy })
    harness.processElement1({ id: 1, to: 'airport' }, T0)
    harness.processElement2({ ride: 2, cents: 900 }, T0 + 1)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([2, 2])
    harness.processElement2({ ride: 1, cents: 4_000 }, T0 + 2)
    harness.processElement1({ id: 2, to: 'museum' }, T0 + 3)
    expect(harness.output()).toEqual([
      { value: 'airport: 4000', timestamp: T0 + 2 },
      { value: 'museum: 900', timestamp: T0 + 3 },
    ])
    expect(harness.numKeyedStateEntries).toBe(0)
    await harness.close()
  })

  it('has the time of the slower input, and fires timers by it (semantics 2.6)', async () => {
    const harness = await operatorHarness(trips(), { keyBy })
    harness.processElement1({ id: 1, to: 'airport' }, T0)
    harness.processWatermark1(T0 + 2 * MINUTE)
    expect(harness.output()).toEqual([])
    expect(harness.currentWatermark).toBe(-Infinity)
    harness.processWatermark2(T0 + MINUTE - 1)
    expect(harness.output()).toEqual([{ watermark: T0 + MINUTE - 1 }])
    harness.processWatermark2(T0 + MINUTE)
    expect(harness.sideOutput(LONELY)).toEqual([{ value: 1, timestamp: T0 + MINUTE }])
    harness.processWatermark(T0 + 3 * MINUTE)
    expect(harness.currentWatermark).toBe(T0 + 3 * MINUTE)
    await harness.close()
  })

  it('goes on without an idle input until that one speaks again (semantics 2.6)', async () => {
    const harness = await operatorHarness(trips(), { keyBy })
    harness.processWatermark1(T0)
    harness.processWatermarkStatus2('idle')
    expect(harness.currentWatermark).toBe(T0)
    harness.processWatermark1(T0 + 5)
    expect(harness.currentWatermark).toBe(T0 + 5)
    harness.processElement2({ ride: 1, cents: 1 }, T0 + 1)
    harness.processWatermark1(T0 + 10)
    expect(harness.currentWatermark).toBe(T0 + 5)
    harness.processWatermark2(T0 + 8)
    expect(harness.currentWatermark).toBe(T0 + 8)
    harness.processWatermarkStatus2('idle')
    expect(harness.currentWatermark).toBe(T0 + 10)
    harness.processWatermarkStatus('idle')
    harness.processWatermarkStatus1('active')
    harness.processWatermark1(T0 + 12)
    expect(harness.currentWatermark).toBe(T0 + 12)
    await harness.close()
  })

  it('ends one input and then the other one; the final watermark comes with the last', async () => {
    const harness = await operatorHarness(trips(), { keyBy })
    harness.processElement1({ id: 1, to: 'airport' }, T0)
    harness.endInput1()
    expect(() => harness.processElement1({ id: 2, to: 'museum' }, T0)).toThrow(
      expect.objectContaining({
        code: 'MR_TEST_INVALID',
        message:
          'processElement1(): input 1 has ended; nothing can follow; call it before endInput.',
      }),
    )
    harness.processWatermark(T0 + 5)
    expect(harness.currentWatermark).toBe(T0 + 5)
    harness.endInput()
    expect(harness.currentWatermark).toBe(Infinity)
    expect(harness.sideOutputValues(LONELY)).toEqual([1])
    await harness.close()
  })

  it('restores an input that has ended, one that is idle, and the time of the other (R12)', async () => {
    const first = await operatorHarness(trips(), { keyBy })
    first.processElement1({ id: 1, to: 'airport' }, T0)
    first.processWatermark2(T0 + 3)
    first.endInput1()
    const second = await first.restore(await first.snapshot())
    expect(second.currentWatermark).toBe(T0 + 3)
    expect(second.output()).toEqual([])
    expect(() => second.processWatermark1(T0)).toThrow('input 1 has ended')
    second.processElement2({ ride: 1, cents: 5 }, T0 + 4)
    expect(second.output()).toEqual([{ value: 'airport: 5', timestamp: T0 + 4 }])
    await second.close()

    const other = await operatorHarness(trips(), { keyBy })
    other.processWatermarkStatus2('idle')
    other.processWatermark1(T0)
    const restored = await other.restore(await other.snapshot())
    restored.processWatermark1(T0 + 1)
    expect(restored.currentWatermark).toBe(T0 + 1)
    await restored.close()
  })

  it('takes a function of two streams, with whatever it makes of them', async () => {
    const harness = await operatorHarness((names: DataStream<string>, ages: DataStream<number>) =>
      names
        .map((name) => name.toUpperCase())
        .connect(ages)
        .map({ map1: (name) => name, map2: (age) => `${age} years` })
        .union(names),
    )
    harness.processElements1([{ value: 'ada', timestamp: 1 }, { value: 'ben' }])
    harness.processElements2([{ value: 36, timestamp: 2 }])
    expect(harness.outputValues().sort()).toEqual(['36 years', 'ADA', 'BEN', 'ada', 'ben'])
    await harness.close()
  })

  it('takes functions over two inputs without keys, as objects', async () => {
    const mapped = await operatorHarness({
      map1: (name: string) => name.length,
      map2: (age: number) => age,
    })
    mapped.processElement1('ada')
    mapped.processElement2(36)
    expect(mapped.outputValues()).toEqual([3, 36])
    const flat = await operatorHarness({
      flatMap1: (name: string) => [...name],
      flatMap2: (age: number) => [String(age)],
    })
    flat.processElement1('ab')
    flat.processElement2(36)
    expect(flat.outputValues()).toEqual(['a', 'b', '36'])
    const plain = await operatorHarness({
      processElement1: (name: string, ctx, out: Out<string>) =>
        out.emit(`${name}@${ctx.timestamp}`),
      processElement2: (age: number, ctx, out: Out<string>) => out.emit(`${age}@${ctx.timestamp}`),
    })
    plain.processElement1('ada', 1)
    plain.processElement2(36, 2)
    expect(plain.outputValues()).toEqual(['ada@1', '36@2'])
    await Promise.all([mapped.close(), flat.close(), plain.close()])
  })
})

describe('verifyOperator with two inputs', () => {
  it('finds the same output in every mode, at another parallelism after each element too', async () => {
    await verifyOperator(trips(), {
      keyBy,
      input: [
        { value1: { id: 1, to: 'airport' }, timestamp: T0 },
        { value1: { id: 2, to: 'museum' }, timestamp: T0 },
        { value1: { id: 3, to: 'zoo' }, timestamp: T0 + 1 },
        { watermark1: T0 + MINUTE },
        { value2: { ride: 2, cents: 7 }, timestamp: T0 + 2 },
        { watermark2: T0 + MINUTE },
        { value2: { ride: 1, cents: 9 }, timestamp: T0 + MINUTE },
        { watermarkStatus2: 'idle' },
        { watermark1: T0 + 2 * MINUTE },
        { value1: { id: 4, to: 'park' }, timestamp: T0 },
      ],
      expected: ['museum: 7'],
      expectedSide: [[LONELY, [1, 3, 1, 4]]],
      ordered: false,
    })
  })
})
