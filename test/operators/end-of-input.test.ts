import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  collectionSink,
  collectionSource,
  coProcessFunction,
  type DataStream,
  dataGeneratorSource,
  job,
  keyedBroadcastProcessFunction,
  listState,
  mapState,
  type Out,
  processFunction,
  tumblingProcessingTimeWindows,
  valueState,
} from 'millrace'
import { type CrashPoint, operatorHarness, testJob, verifyOperator } from 'millrace/testing'

const NOON = Date.UTC(2026, 0, 1, 12)
/** A time that no clock of a test comes to. */
const FAR = Date.UTC(2200, 0, 1)

interface Ask {
  readonly key: string
  readonly times: readonly number[]
}

const keyed = { keyBy: ({ key }: Ask) => key, processingTime: NOON }

/** Sets the timers it is told to, and tells of each; each wants to be followed by one of either clock. */
const restless = () =>
  processFunction({
    processElement({ times }: Ask, ctx, _out: Out<string>) {
      for (const time of times) ctx.timers.registerProcessingTime(time)
      ctx.timers.registerEventTime(NOON)
    },
    onTimer(timestamp, ctx, out) {
      out.emit(`${ctx.key} ${ctx.timeDomain} ${timestamp} at ${ctx.timers.currentProcessingTime}`)
      ctx.timers.registerProcessingTime(timestamp + 1)
      if (ctx.timeDomain === 'processing') ctx.timers.registerEventTime(timestamp + 1)
    },
  })

/** Keeps the values of a key until a time that never comes. */
const keeping = () =>
  processFunction({
    state: { kept: listState<number>() },
    processElement(value: number, ctx, _out: Out<string>) {
      if (ctx.state.kept.get().length === 0) ctx.timers.registerProcessingTime(FAR + value)
      ctx.state.kept.add(value)
    },
    onTimer(_timestamp, ctx, out) {
      out.emit(`${ctx.key}: ${ctx.state.kept.get().join('+')}`)
      ctx.state.kept.clear()
    },
  })

describe('processing-time timers at the end of input (semantics 1.1, 2.6)', () => {
  it('fire in the order of their time, each with its own, while the clock stays where it is', async () => {
    const harness = await operatorHarness(restless(), keyed)
    harness.processElement({ key: 'b', times: [NOON + 30, NOON + 10] }, 1)
    harness.processElement({ key: 'a', times: [NOON + 20, FAR] }, 1)
    harness.endInput()
    const rows = harness.outputValues()
    // Keys have no order at one time. Those that timers of event time have registered are among them.
    expect([rows.slice(0, 2).toSorted(), rows.slice(2, 4).toSorted(), ...rows.slice(4)]).toEqual([
      ['a', 'b'].map((key) => `${key} event ${NOON} at ${NOON}`),
      ['a', 'b'].map((key) => `${key} processing ${NOON + 1} at ${NOON}`),
      `b processing ${NOON + 10} at ${NOON}`,
      `a processing ${NOON + 20} at ${NOON}`,
      `b processing ${NOON + 30} at ${NOON}`,
      `a processing ${FAR} at ${NOON}`,
    ])
    expect(harness.output().at(-1)).toEqual({ watermark: Infinity })
    await harness.close()
  })

  it('register none any more, of either clock: one that sets the next would never end', async () => {
    const harness = await operatorHarness(restless(), keyed)
    harness.processElement({ key: 'a', times: [NOON + 10] }, 1)
    harness.endInput()
    expect(harness.outputValues()).toHaveLength(3)
    expect([harness.numEventTimeTimers, harness.numProcessingTimeTimers]).toEqual([0, 0])
    harness.advanceProcessingTime(1_000_000)
    expect(harness.outputValues()).toHaveLength(3)
    await harness.close()
  })

  it('may be deleted by those before them, and stay where they are registered anew', async () => {
    const deleting = processFunction({
      processElement(_ask: Ask, ctx, _out: Out<number>) {
        for (const after of [1, 2, 3]) ctx.timers.registerProcessingTime(NOON + after)
      },
      onTimer(timestamp, ctx, out) {
        out.emit(timestamp - NOON)
        ctx.timers.deleteProcessingTime(NOON + 2)
        ctx.timers.registerProcessingTime(NOON + 3)
      },
    })
    const harness = await operatorHarness(deleting, keyed)
    harness.processElement({ key: 'a', times: [] })
    harness.endInput()
    expect(harness.outputValues()).toEqual([1, 3])
    await harness.close()
  })

  it('of one operator fire before the next one hears of the end: what they emit is input there', async () => {
    const twice = (numbers: DataStream<number>) =>
      numbers
        .keyBy((n) => n % 2)
        .process(keeping(), { uid: 'first' })
        .keyBy(() => 'all')
        .window(tumblingProcessingTimeWindows('1h'))
        .reduce((a, b) => `${a}, ${b}`, { uid: 'second' })
    const input = [1, 2, 3, 4, 5].map((value) => ({ value }))
    await verifyOperator(twice, { input, expected: ['1: 1+3+5, 0: 2+4'], processingTime: NOON })
  })

  it('fire on both sides of asynchronous calls, before and behind what is waited for (semantics 2.16)', async () => {
    const around = (numbers: DataStream<number>) =>
      numbers
        .keyBy((n) => n % 2)
        .process(keeping(), { uid: 'before' })
        .asyncMap(async (text: string) => text.length, { uid: 'asked', capacity: 1 })
        .keyBy(() => 'all')
        .process(keeping(), { uid: 'behind' })
    const input = [1, 2, 3].map((value) => ({ value }))
    await verifyOperator(around, { input, expected: ['all: 6+4'], processingTime: NOON })
  })

  it('fire in functions of two inputs when both have ended', async () => {
    const both = coProcessFunction({
      state: { sum: valueState<number>() },
      processElement1(n: number, ctx, _out: Out<number>) {
        ctx.state.sum.update((ctx.state.sum.value() ?? 0) + n)
        ctx.timers.registerProcessingTime(FAR)
      },
      processElement2(n: number, ctx) {
        ctx.state.sum.update((ctx.state.sum.value() ?? 0) - n)
      },
      onTimer: (_timestamp, ctx, out) => out.emit(ctx.state.sum.value()!),
    })
    const harness = await operatorHarness(both, { keyBy: [() => 'k', () => 'k'] })
    harness.processElement1(7)
    harness.endInput1()
    expect(harness.outputValues()).toEqual([])
    harness.processElement2(2)
    harness.endInput2()
    expect(harness.outputValues()).toEqual([5])
    await harness.close()
  })

  it('fire in functions with broadcast state, which sees all of it', async () => {
    const limited = keyedBroadcastProcessFunction({
      broadcastState: { limits: mapState<string, number>() },
      state: { sum: valueState<number>() },
      processElement(n: number, ctx, _out: Out<string>) {
        ctx.state.sum.update((ctx.state.sum.value() ?? 0) + n)
        ctx.timers.registerProcessingTime(FAR)
      },
      processBroadcastElement(limit: number, ctx) {
        ctx.broadcastState.limits.put('limit', limit)
      },
      onTimer(_timestamp, ctx, out) {
        out.emit(`${ctx.state.sum.value()} of ${ctx.broadcastState.limits.get('limit')}`)
      },
    })
    const harness = await operatorHarness(limited, { keyBy: () => 'k' })
    harness.processElement1(3)
    harness.processBroadcastElement(9)
    harness.endInput()
    expect(harness.outputValues()).toEqual(['3 of 9'])
    await harness.close()
  })
})

/** Sums up in windows of a day by the clock, of which none ends while it runs. */
function dayJob(numbers: readonly number[] | undefined) {
  return job('days', {}, (env) => {
    const stream =
      numbers === undefined
        ? env.fromSource(dataGeneratorSource({ generate: (n) => n }), { uid: 'numbers' })
        : env.fromSource(collectionSource(numbers), { uid: 'numbers' })
    stream
      .keyBy((n) => n % 5)
      .process(keeping(), { uid: 'kept' })
      .keyBy((text) => text[0]!)
      .window(tumblingProcessingTimeWindows('365d'))
      .reduce((a, b) => `${a}, ${b}`, { uid: 'years' })
      .sinkTo(collectionSink(), { uid: 'out' })
  })
}

function expectedTexts(count: number): string[] {
  return [0, 1, 2, 3, 4]
    .filter((key) => key < count)
    .map((key) => {
      const values = Array.from({ length: count }, (_, n) => n).filter((n) => n % 5 === key)
      return `${key}: ${values.join('+')}`
    })
}

describe('a job whose timers are all far ahead of the clock', () => {
  it('puts everything out once when its input has ended, wherever it crashes on the way (semantics 1.1, 2.6)', async () => {
    const crash: fc.Arbitrary<CrashPoint> = fc.oneof(
      fc.constantFrom<CrashPoint>(
        'snapshot-cut:7',
        'after-segment:5',
        'before-commit',
        'after-publish:3',
      ),
      fc.record({ step: fc.integer({ min: 1, max: 400 }) }),
      fc.record({
        step: fc.integer({ min: 1, max: 400 }),
        kind: fc.constant('thread' as const),
        slot: fc.constant(0),
      }),
    )
    const numbers = Array.from({ length: 60 }, (_, n) => n)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1e6 }),
        fc.constantFrom(1, 3),
        fc.array(crash, { minLength: 1, maxLength: 2 }),
        async (seed, parallelism, crashAt) => {
          const { collected } = await testJob(dayJob(numbers), {
            ...{ seed, parallelism, crashAt },
            checkpointInterval: 5,
          })
          expect((collected['out'] as string[]).toSorted()).toEqual(expectedTexts(60))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('does so when it is drained, and puts out nothing when it is stopped (R14, semantics 2.6)', async () => {
    const drained = await testJob(dayJob(undefined), {
      crashAt: [{ step: 100, kind: 'stop' }, { step: 100 }, { step: 100, kind: 'drain' }],
    })
    expect(drained.crashes).toHaveLength(3)
    const texts = drained.collected['out'] as string[]
    // One for each key: where it was stopped, none had come out.
    expect(texts.map(([key]) => key).toSorted()).toEqual(['0', '1', '2', '3', '4'])
    const count = texts.flatMap((text) => text.split('+')).length
    expect(texts.toSorted()).toEqual(expectedTexts(count))
  })
})
