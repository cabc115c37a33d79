import { describe, expect, test } from 'vitest'
import {
  boundedOutOfOrderness,
  coProcessFunction,
  collectionSink,
  collectionSource,
  countEvictor,
  countTrigger,
  type DataStream,
  globalWindows,
  job,
  type Out,
  outputTag,
  printSink,
  processFunction,
  slidingEventTimeWindows,
  tumblingEventTimeWindows,
  valueState,
  windowProcessFunction,
} from 'millrace'
import { at, operatorHarness, testJob } from 'millrace/testing'
import { buildJobGraph } from '../../runtime/graph/job-graph.ts'

// What sections 1.1 to 1.5 promise in one line each, where no other test says it.

type Pair = readonly [key: string, n: number]

const keyOf = ([key]: Pair): string => key
const LATE = outputTag<Pair>('late')
const uid = { uid: 'tested' }
const sum = {
  create: () => 0,
  add: (total: number, [, n]: Pair) => total + n,
  result: (total: number) => total,
  merge: (a: number, b: number) => a + b,
}

describe('streams', () => {
  /** Of a source, two operators with options and a sink: which of them are called directly, one by another. */
  function chains(first: object, second: object): string[] {
    const built = job('chained', {}, (env) => {
      env
        .fromSource(collectionSource([1]), { uid: 'in' })
        .map((n) => n, { uid: 'first', ...first })
        .map((n) => n, { uid: 'second', ...second })
        .sinkTo(printSink(), { uid: 'out' })
    }).build({}, { parallelism: 2, maxParallelism: 128 })
    const { vertices } = buildJobGraph(built.graph, { parallelism: 2, maxParallelism: 128 })
    return vertices.map(({ chain }) => chain.map(({ node }) => node.name).join(' '))
  }

  test('are chained where parallelism allows, but for what begins a chain or is none of one (semantics 1.1)', () => {
    expect(chains({}, {})).toEqual(['in first second out'])
    expect(chains({ startNewChain: true }, {})).toEqual(['in', 'first second out'])
    expect(chains({ disableChaining: true }, {})).toEqual(['in', 'first', 'second out'])
    expect(chains({}, { disableChaining: true })).toEqual(['in first', 'second', 'out'])
    expect(chains({ parallelism: 1 }, {})).toEqual(['in', 'first', 'second out'])
  })

  test('of a key go to one subtask, in the order of each producer (semantics 1.1)', async () => {
    const seen = processFunction({
      processElement([key, n]: Pair, ctx, out: Out<string>) {
        out.emit(`${key} ${ctx.subtaskIndex} ${n}`)
      },
    })
    const harness = await operatorHarness(seen, { keyBy: keyOf, parallelism: 3 })
    for (let n = 0; n < 40; n++) harness.processElement([`k${n % 8}`, n], n)
    const subtasks = new Map<string, Set<string>>()
    const numbers = new Map<string, number[]>()
    for (const row of harness.outputValues()) {
      const [key, subtask, n] = row.split(' ') as [string, string, string]
      subtasks.set(key, (subtasks.get(key) ?? new Set()).add(subtask))
      numbers.set(key, [...(numbers.get(key) ?? []), Number(n)])
    }
    expect([...subtasks.values()].every(({ size }) => size === 1)).toBe(true)
    expect(new Set([...subtasks.values()].flatMap((all) => [...all])).size).toBe(3)
    for (const [key, all] of numbers)
      expect([key, all]).toEqual([key, all.toSorted((a, b) => a - b)])
    await harness.close()
  })

  test('have side outputs, with the timestamp of the record (semantics 1.1)', async () => {
    const aside = processFunction({
      processElement(pair: Pair, ctx, out: Out<Pair>) {
        if (pair[1] < 0) ctx.output(LATE, pair)
        else out.emit(pair)
      },
    })
    const harness = await operatorHarness(aside, { keyBy: keyOf })
    harness.processElement(['a', -1], 5)
    harness.processElement(['a', 1], 6)
    expect(harness.sideOutput(LATE)).toEqual([{ value: ['a', -1], timestamp: 5 }])
    expect(harness.output()).toEqual([{ value: ['a', 1], timestamp: 6 }])
    await harness.close()
  })

  test('that are bounded end by themselves, with all windows fired, and count what they did (semantics 1.1)', async () => {
    const bounded = job('bounded', {}, (env) => {
      const watermarks = boundedOutOfOrderness<Pair>('1d')
      env
        .fromSource(collectionSource([at(['a', 1] as Pair, 1), at(['a', 2] as Pair, 12)]), {
          uid: 'in',
          watermarks,
        })
        .keyBy(keyOf)
        .window(tumblingEventTimeWindows(10))
        .aggregate(sum, uid)
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const { collected, metrics } = await testJob(bounded)
    expect(collected['out']).toEqual([1, 2])
    expect(metrics.operators['tested']).toEqual({ recordsIn: 2, recordsOut: 2 })
  })
})

describe('windows', () => {
  test('hand the one result of reduce or aggregate to a function that knows the window (semantics 1.2)', async () => {
    const harness = await operatorHarness((pairs: DataStream<Pair>) =>
      pairs
        .keyBy(keyOf)
        .window(slidingEventTimeWindows(20, 10))
        .aggregate(
          sum,
          (total, { key, window }, out: Out<string>) => out.emit(`${key} ${window.start} ${total}`),
          uid,
        ),
    )
    harness.processElement(['a', 1], 5)
    harness.processElement(['a', 2], 15)
    harness.processWatermark(19)
    expect(harness.outputValues()).toEqual(['a -10 1', 'a 0 3'])
    await harness.close()
  })

  test('buffer records for process and for evictors, one accumulator for all else (semantics 1.2)', async () => {
    const seen = windowProcessFunction({
      process(elements: readonly Pair[], _ctx, out: Out<number>) {
        out.emit(elements.length)
      },
    })
    const entries = async (build: (pairs: DataStream<Pair>) => DataStream<unknown>) => {
      const harness = await operatorHarness(build)
      for (let n = 1; n <= 5; n++) harness.processElement(['a', n], n)
      harness.processWatermark(9)
      const values = harness.outputValues()
      await harness.close()
      return values
    }
    const windows = (pairs: DataStream<Pair>) =>
      pairs.keyBy(keyOf).window(tumblingEventTimeWindows(10))
    expect(await entries((pairs) => windows(pairs).process(seen, uid))).toEqual([5])
    expect(
      await entries((pairs) => windows(pairs).evictor(countEvictor(2)).process(seen, uid)),
    ).toEqual([2])
    expect(
      await entries((pairs) => windows(pairs).evictor(countEvictor(2)).aggregate(sum, uid)),
    ).toEqual([9])
    expect(await entries((pairs) => windows(pairs).aggregate(sum, uid))).toEqual([15])
  })

  test('take late records until the watermark is the allowed lateness behind their end; then those are counted, or go aside (semantics 1.2)', async () => {
    for (const takesLate of [true, false]) {
      const harness = await operatorHarness((pairs: DataStream<Pair>) => {
        const windows = pairs.keyBy(keyOf).window(tumblingEventTimeWindows(10)).allowedLateness(5)
        return (takesLate ? windows.sideOutputLateData(LATE) : windows).aggregate(sum, uid)
      })
      harness.processElement(['a', 1], 1)
      harness.processWatermark(13)
      harness.processElement(['a', 2], 2)
      harness.processWatermark(14)
      harness.processElement(['a', 4], 3)
      expect(harness.outputValues()).toEqual([1, 3])
      expect(harness.sideOutput(LATE)).toEqual(takesLate ? [{ value: ['a', 4], timestamp: 3 }] : [])
      expect(harness.counter('numLateRecordsDropped')).toBe(takesLate ? 0 : 1)
      await harness.close()
    }
  })

  test('of a whole stream are in one subtask, whatever the parallelism (semantics 1.2)', async () => {
    const harness = await operatorHarness(
      (pairs: DataStream<Pair>) =>
        pairs.windowAll(globalWindows()).trigger(countTrigger(4)).aggregate(sum, uid),
      { parallelism: 3 },
    )
    for (const key of ['a', 'b', 'c', 'd']) harness.processElement([key, 1], 0)
    expect(harness.outputValues()).toEqual([4])
    await harness.close()
  })
})

describe('two inputs', () => {
  test('pairs of an interval join have the later timestamp, and come with the later record (semantics 1.3)', async () => {
    const harness = await operatorHarness((left: DataStream<Pair>, right: DataStream<Pair>) =>
      left
        .keyBy(keyOf)
        .intervalJoin(right.keyBy(keyOf))
        .between(-2, 2)
        .process(([, a], [, b], _ctx, out: Out<string>) => out.emit(`${a}${b}`), uid),
    )
    harness.processElement1(['a', 1], 10)
    harness.processElement2(['b', 2], 10)
    harness.processElement2(['a', 3], 12)
    harness.processElement2(['a', 4], 13)
    harness.processElement2(['a', 5], 8)
    expect(harness.output()).toEqual([
      { value: '13', timestamp: 12 },
      { value: '15', timestamp: 10 },
    ])
    await harness.close()
  })

  test('share state and timers of a key, in whatever order their records come (semantics 1.3)', async () => {
    const joint = coProcessFunction({
      state: { total: valueState<number>() },
      processElement1([, n]: Pair, ctx, _out: Out<number>) {
        ctx.state.total.update((ctx.state.total.value() ?? 0) + n)
      },
      processElement2([, n]: Pair, ctx, _out: Out<number>) {
        ctx.state.total.update((ctx.state.total.value() ?? 0) + 10 * n)
        ctx.timers.registerEventTime(5)
      },
      onTimer: (_timestamp, ctx, out) => out.emit(ctx.state.total.value() ?? 0),
    })
    const harness = await operatorHarness(joint, { keyBy: [keyOf, keyOf] })
    harness.processElement2(['a', 1], 1)
    harness.processElement1(['a', 1], 2)
    harness.processElement2(['b', 2], 3)
    harness.processWatermark(5)
    expect(harness.outputValues()).toEqual([11, 20])
    await harness.close()
  })
})

describe('asynchronous calls', () => {
  test('are made again for what a snapshot holds; results come once (semantics 1.4)', async () => {
    const asked: number[] = []
    const build = (numbers: DataStream<number>) =>
      numbers.orderedWait(
        (n) => {
          asked.push(n)
          const isBefore = asked.length <= 2
          return isBefore ? new Promise<number[]>(() => {}) : Promise.resolve([n * 10])
        },
        { ...uid, capacity: 2 },
      )
    const before = await operatorHarness(build)
    before.processElement(1, 1)
    before.processElement(2, 2)
    const harness = await before.restore(await before.snapshot())
    harness.processElement(3, 3)
    await harness.settle()
    expect(harness.outputValues()).toEqual([10, 20, 30])
    expect(asked).toEqual([1, 2, 1, 2, 3])
    await harness.close()
  })

  test('time out after the time for all of them, retries included (semantics 1.4)', async () => {
    let calls = 0
    const busy = {
      asyncInvoke: async (): Promise<string[]> => {
        calls++
        throw new Error('busy')
      },
      timeout: () => ['gave up'],
    }
    const harness = await operatorHarness((numbers: DataStream<number>) =>
      numbers.unorderedWait(busy, {
        ...uid,
        timeout: 1_000,
        retry: { maxAttempts: 100, delay: 400 },
      }),
    )
    harness.processElement(1, 1)
    for (let passed = 0; passed < 1_100; passed += 100) {
      await harness.settle()
      harness.advanceProcessingTime(100)
    }
    expect([harness.outputValues(), calls]).toEqual([['gave up'], 3])
    await harness.close()
  })
})

describe('time', () => {
  test('timestamps are those of the source, unless a strategy gives others (semantics 1.5)', async () => {
    const timestamps = async (watermarks?: ReturnType<typeof boundedOutOfOrderness<number>>) => {
      const reading = job('reading', {}, (env) => {
        env
          .fromSource(collectionSource([at(7, 70), at(8, 80)]), {
            uid: 'in',
            ...(watermarks === undefined ? {} : { watermarks }),
          })
          .process((_n, ctx, out: Out<number>) => out.emit(ctx.timestamp), uid)
          .sinkTo(collectionSink(), { uid: 'out' })
      })
      return (await testJob(reading)).collected['out']
    }
    expect(await timestamps()).toEqual([70, 80])
    expect(await timestamps(boundedOutOfOrderness(1))).toEqual([70, 80])
    expect(await timestamps(boundedOutOfOrderness(1, (n: number, t) => n + t))).toEqual([77, 88])
  })

  test('timers are those of a key, a set in each of two domains, part of snapshots, and can be deleted (semantics 1.5)', async () => {
    const timing = processFunction({
      processElement([, n]: Pair, { timers }, _out: Out<string>) {
        if (n < 0) return timers.deleteEventTime(-n)
        timers.registerEventTime(n)
        timers.registerEventTime(n)
        return timers.registerProcessingTime(n)
      },
      onTimer: (timestamp, ctx, out) =>
        out.emit(`${String(ctx.key)} ${ctx.timeDomain} ${timestamp}`),
    })
    const before = await operatorHarness(timing, { keyBy: keyOf, processingTime: 0 })
    before.processElement(['a', 5], 1)
    before.processElement(['b', 5], 1)
    before.processElement(['b', -5], 1)
    expect([before.numEventTimeTimers, before.numProcessingTimeTimers]).toEqual([1, 2])
    const harness = await before.restore(await before.snapshot())
    harness.processWatermark(5)
    harness.setProcessingTime(6)
    expect(harness.outputValues().toSorted()).toEqual([
      'a event 5',
      'a processing 5',
      'b processing 5',
    ])
    await harness.close()
  })
})
