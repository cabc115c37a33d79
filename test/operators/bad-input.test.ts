import { describe, expect, test } from 'vitest'
import * as millrace from 'millrace'
import type { ErrorCode, StreamError } from 'millrace'
import { at, operatorHarness as harnessOf, testJob } from 'millrace/testing'

// What nobody should give, each by name: an error with a code, when the graph is built where it can be known there, else with
// the operator and the position in the source. Who writes JavaScript may give anything, so types are left out here.

// oxlint-disable-next-line typescript/no-explicit-any
type Anything = any
const operatorHarness = harnessOf as Anything
const {
  boundedOutOfOrderness,
  broadcastProcessFunction,
  coProcessFunction,
  collectionSink,
  collectionSource,
  continuousEventTimeTrigger,
  countTrigger,
  deltaTrigger,
  eventTimeSessionWindows,
  eventTimeTrigger,
  globalWindows,
  job,
  keyedBroadcastProcessFunction,
  mapState,
  noRestart,
  outputTag,
  processFunction,
  processingTimeoutTrigger,
  processingTimeSessionWindows,
  purgingTrigger,
  slidingEventTimeWindows,
  slidingProcessingTimeWindows,
  timeWindow,
  tumblingEventTimeWindows,
  tumblingProcessingTimeWindows,
  valueState,
  windowProcessFunction,
} = millrace as Anything

type Build = (stream: Anything, other: Anything) => Anything

interface Given {
  readonly values?: readonly unknown[]
  readonly watermarks?: unknown
}

const uid = { uid: 'tested' }
const first = { key: 'a', n: 1 }
const keyed = (stream: Anything) => stream.keyBy((record: typeof first) => record.key)
const counted = {
  create: () => 0,
  add: (n: number) => n + 1,
  result: (n: number) => n,
  merge: (a: number, b: number) => a + b,
}

/** What a job fails with, and whether that was while its graph was built. */
async function failure(build: Build, { values = [at(first, 5)], watermarks }: Given = {}) {
  let isBuilt = false
  const tested = job('tested', { restart: noRestart() }, (env: Anything) => {
    const read = (name: string) =>
      env.fromSource(collectionSource(values), { uid: name, watermarks })
    const other = read('other')
    other.sinkTo(collectionSink(), { uid: 'others' })
    build(read('source'), other)?.sinkTo(collectionSink(), { uid: 'out' })
    isBuilt = true
  })
  const error = await testJob(tested).then(
    () => undefined,
    (thrown: unknown) => thrown as StreamError,
  )
  return { code: error?.code, message: error?.message, isBuilt }
}

const atBuild = (code: ErrorCode) => ({ code, isBuilt: false })

const inOperator = (code: ErrorCode, operator = 'tested') => ({
  code,
  isBuilt: true,
  message: expect.stringMatching(
    new RegExp(`^Operator "${operator}".*source position value \\d of the collection`),
  ) as string,
})

const aggregated = (window: () => Anything) => (stream: Anything) =>
  keyed(stream).window(window()).aggregate(counted, uid)

describe('sizes, slides, gaps, lateness and offsets (semantics 2.1, 2.3)', () => {
  const NO_SPANS = [0, -1, -0, NaN, Infinity, '0s', '-1s', '10', null, undefined, {}, 10n]
  const takers: Record<string, (span: unknown) => Anything> = {
    'tumblingEventTimeWindows(size)': tumblingEventTimeWindows,
    'tumblingProcessingTimeWindows(size)': tumblingProcessingTimeWindows,
    'slidingEventTimeWindows(size)': (span) => slidingEventTimeWindows(span, 1),
    'slidingEventTimeWindows(slide)': (span) => slidingEventTimeWindows(1, span),
    'slidingProcessingTimeWindows(size)': (span) => slidingProcessingTimeWindows(span, 1),
    'slidingProcessingTimeWindows(slide)': (span) => slidingProcessingTimeWindows(1, span),
    'eventTimeSessionWindows(gap)': eventTimeSessionWindows,
    'processingTimeSessionWindows(gap)': processingTimeSessionWindows,
  }

  test.each(Object.entries(takers))('%s is above 0, or no graph is built', async (_name, make) => {
    for (const span of NO_SPANS) {
      const { code, isBuilt } = await failure(aggregated(() => make(span)))
      expect([span, code, isBuilt]).toEqual([
        span,
        expect.stringMatching(/^MR_(OPTION|DURATION)_INVALID$/),
        false,
      ])
    }
  })

  test.each([-1, NaN, Infinity, '-1s', 'soon', null, undefined])(
    'a lateness of %s builds no graph',
    async (lateness) => {
      const build: Build = (stream) =>
        keyed(stream)
          .window(tumblingEventTimeWindows(10))
          .allowedLateness(lateness)
          .aggregate(counted, uid)
      expect(await failure(build)).toMatchObject(atBuild('MR_DURATION_INVALID'))
    },
  )

  test.each([
    ['tumbling, of the size', () => tumblingEventTimeWindows(10, { offset: 10 })],
    ['tumbling, of the size before', () => tumblingEventTimeWindows(10, { offset: -10 })],
    ['tumbling, in words', () => tumblingEventTimeWindows('10s', { offset: '-10s' })],
    ['processing time', () => tumblingProcessingTimeWindows(10, { offset: 11 })],
    ['sliding, of the slide', () => slidingEventTimeWindows(10, 5, { offset: 5 })],
    ['sliding, of the slide before', () => slidingEventTimeWindows(10, 5, { offset: -5 })],
    ['sliding by the clock', () => slidingProcessingTimeWindows(10, 5, { offset: 7 })],
  ])('an offset that is not below the distance of windows: %s', async (_name, make) => {
    expect(await failure(aggregated(make))).toMatchObject(atBuild('MR_OPTION_INVALID'))
  })

  test('an offset may be negative in either notation', () => {
    expect(tumblingEventTimeWindows('1d', { offset: '-8h' })).toEqual(
      tumblingEventTimeWindows('1d', { offset: -8 * 3_600_000 }),
    )
    expect(slidingEventTimeWindows('1d', '12h', { offset: '-8h' })).toEqual(
      slidingEventTimeWindows('1d', '12h', { offset: -8 * 3_600_000 }),
    )
  })
})

describe('windows that merge (semantics 2.2)', () => {
  const methods = { onEventTime: () => 'fire', onProcessingTime: () => 'fire', clear() {} }
  const triggers: Record<string, Anything> = {
    deltaTrigger: deltaTrigger(1, () => 1),
    processingTimeoutTrigger: processingTimeoutTrigger(eventTimeTrigger(), '1s'),
    'purgingTrigger of one': purgingTrigger(deltaTrigger(1, () => 1)),
    "one of the user's without onMerge": { onElement: () => 'fire', ...methods },
  }

  test.each(Object.entries(triggers))(
    'cannot have a trigger that cannot: %s',
    async (_n, trigger) => {
      for (const gap of [eventTimeSessionWindows(10), processingTimeSessionWindows(10)]) {
        const build: Build = (stream) =>
          keyed(stream).window(gap).trigger(trigger).aggregate(counted, uid)
        expect(await failure(build)).toMatchObject(atBuild('MR_GRAPH_INVALID'))
      }
    },
  )

  test('have no state of a single window', async () => {
    const fn = windowProcessFunction({ windowState: { seen: valueState() }, process() {} })
    const alone: Build = (stream) =>
      keyed(stream).window(eventTimeSessionWindows(10)).process(fn, uid)
    const behind: Build = (stream) =>
      keyed(stream).window(eventTimeSessionWindows(10)).aggregate(counted, fn, uid)
    expect(await failure(alone)).toMatchObject(atBuild('MR_GRAPH_INVALID'))
    expect(await failure(behind)).toMatchObject(atBuild('MR_GRAPH_INVALID'))
  })
})

describe('timestamps (semantics 2.1, 2.6)', () => {
  test.each([
    ['tumbling windows', () => tumblingEventTimeWindows(10)],
    ['staggered windows', () => tumblingEventTimeWindows(10, { stagger: 'random' })],
    ['sliding windows', () => slidingEventTimeWindows(10, 5)],
    ['sessions', () => eventTimeSessionWindows(10)],
  ])('a record without one is in no %s', async (_name, make) => {
    const found = await failure(aggregated(make), { values: [first] })
    expect(found).toMatchObject(inOperator('MR_TIMESTAMP_INVALID'))
    expect(found.message).toContain('the record has no timestamp')
  })

  test('a record without one says nothing to a trigger by event time, in any windows', async () => {
    const build: Build = (stream) =>
      keyed(stream)
        .window(globalWindows())
        .trigger(continuousEventTimeTrigger('1s'))
        .aggregate(counted, uid)
    const found = await failure(build, { values: [first] })
    expect(found).toMatchObject(inOperator('MR_TIMESTAMP_INVALID'))
  })

  test.each([NaN, 1.5, Infinity, '5', 5n, null, new Date(5), 2 ** 60])(
    'one of %s, from a source, a strategy or an operator behind, stops at its record',
    async (timestamp) => {
      const strategy = boundedOutOfOrderness(1, () => timestamp)
      const build = aggregated(() => tumblingEventTimeWindows(10))
      const bySource = await failure(build, { values: [at(first, timestamp as number)] })
      const byStrategy = await failure(build, { watermarks: strategy })
      const behind = await failure((stream) =>
        build(stream.assignTimestampsAndWatermarks(strategy, { uid: 'assigned' })),
      )
      expect(bySource).toMatchObject(inOperator('MR_TIMESTAMP_INVALID', '(source|other)'))
      expect(byStrategy).toMatchObject(inOperator('MR_TIMESTAMP_INVALID', '(source|other)'))
      expect(behind).toMatchObject(inOperator('MR_TIMESTAMP_INVALID', 'assigned'))
    },
  )

  test.each([{}, null, 'bounded', boundedOutOfOrderness(1, 5)])(
    'a strategy that is none builds no graph: %j',
    async (strategy) => {
      const build = aggregated(() => tumblingEventTimeWindows(10))
      expect(await failure(build, { watermarks: strategy })).toMatchObject(
        atBuild('MR_OPTION_INVALID'),
      )
      const behind: Build = (stream) => stream.assignTimestampsAndWatermarks(strategy, uid)
      expect(await failure(behind)).toMatchObject(atBuild('MR_OPTION_INVALID'))
    },
  )
})

describe('asynchronous functions (semantics 2.16)', () => {
  const never = () => new Promise(() => {})
  const throws = () => {
    throw new Error('at once')
  }
  const twice = () =>
    new Promise((resolve, reject) => {
      resolve(['first'])
      resolve(['second'])
      reject(new Error('third'))
    })

  test.each(['orderedWait', 'unorderedWait', 'asyncMap'])(
    '%s that never settles, or throws',
    async (verb) => {
      const waiting: Build = (stream) => stream[verb](never, { ...uid, timeout: 50 })
      expect(await failure(waiting)).toMatchObject(inOperator('MR_ASYNC_TIMEOUT'))
      const throwing: Build = (stream) => stream[verb](throws, uid)
      expect(await failure(throwing)).toMatchObject(inOperator('MR_FUNCTION_FAILED'))
    },
  )

  test.each(['orderedWait', 'unorderedWait'])(
    '%s that settles twice is heard once',
    async (verb) => {
      const settled = job('settled', {}, (env: Anything) => {
        const read = env.fromSource(collectionSource([1]), { uid: 'source' })
        read[verb](twice, uid).sinkTo(collectionSink(), { uid: 'out' })
      })
      expect((await testJob(settled)).collected['out']).toEqual(['first'])
    },
  )
})

describe('broadcast state (semantics 2.18)', () => {
  test.each(['put', 'remove', 'clear'])('is not written by the other side: %s', async (verb) => {
    const rules = { broadcastState: { rules: mapState() }, processBroadcastElement() {} }
    const writes = {
      ...rules,
      processElement: (_record: unknown, ctx: Anything) => {
        ctx.broadcastState.rules[verb]('a', 1)
      },
    }
    const plain: Build = (stream, other) =>
      stream.connect(other.broadcast()).process(broadcastProcessFunction(writes), uid)
    const withKeys: Build = (stream, other) =>
      keyed(stream).connect(other.broadcast()).process(keyedBroadcastProcessFunction(writes), uid)
    expect(await failure(plain)).toMatchObject(inOperator('MR_STATE_READ_ONLY'))
    expect(await failure(withKeys)).toMatchObject(inOperator('MR_STATE_READ_ONLY'))
  })

  const writes: [string, (rules: Anything) => void][] = [
    ['put', (rules) => rules.put('a', 1)],
    ['remove', (rules) => rules.remove('a')],
    ['clear', (rules) => rules.clear()],
  ]
  const refused = expect.objectContaining({ code: 'MR_STATE_READ_ONLY' }) as unknown

  test.each(writes)(
    'is not written with what the other side has kept either: %s',
    async (_n, write) => {
      let kept: Anything
      const keeping = broadcastProcessFunction({
        broadcastState: { rules: mapState() },
        processBroadcastElement(_rule: unknown, ctx: Anything) {
          kept = ctx.broadcastState.rules
          write(kept)
        },
        processElement: () => write(kept),
      })
      const harness = await operatorHarness((stream: Anything, other: Anything) =>
        stream.connect(other.broadcast()).process(keeping, uid),
      )
      harness.processElement2('rule', 1)
      expect(() => harness.processElement1(first, 2)).toThrow(refused)
      await harness.close()
    },
  )

  test.each(writes)('is not written while keys are visited: %s', async (_name, write) => {
    const visiting = keyedBroadcastProcessFunction({
      state: { seen: valueState() },
      broadcastState: { rules: mapState() },
      processBroadcastElement(_rule: unknown, ctx: Anything) {
        const { rules } = ctx.broadcastState
        ctx.applyToKeyedState('seen', () => write(rules))
      },
      processElement: (_record: unknown, ctx: Anything) => ctx.state.seen.update(1),
    })
    const harness = await operatorHarness((stream: Anything, other: Anything) =>
      keyed(stream).connect(other.broadcast()).process(visiting, uid),
    )
    harness.processElement1(first, 1)
    expect(() => harness.processElement2('rule', 2)).toThrow(refused)
    await harness.close()
  })
})

describe('functions without keys (semantics 1.1)', () => {
  const reads = [
    ['state', (ctx: Anything) => ctx.state.count.value()],
    ['timers', (ctx: Anything) => ctx.timers.registerEventTime(5)],
    ['key', (ctx: Anything) => ctx.key.length],
  ] as const
  const without = expect.objectContaining({
    ...inOperator('MR_KEY_MISSING'),
    message: expect.stringContaining('put keyBy(…) before the operator') as string,
  }) as unknown

  test.each(reads)('have no %s', async (_name, read) => {
    const co = (_value: unknown, ctx: Anything) => read(ctx)
    const builds: Build[] = [
      (stream) => stream.process((_value: unknown, ctx: Anything) => read(ctx), uid),
      (stream, other) =>
        stream.connect(other).process({ processElement1: co, processElement2: co }, uid),
      (stream, other) =>
        stream.connect(other.broadcast()).process(
          broadcastProcessFunction({
            broadcastState: { rules: mapState() },
            processElement: co,
            processBroadcastElement() {},
          }),
          uid,
        ),
    ]
    for (const build of builds) expect(await failure(build)).toEqual(without)
  })
})

describe('functions that have no state or timers of their own', () => {
  const functions: readonly (readonly [
    string,
    Record<string, string>,
    (read: Anything) => Build,
  ])[] = [
    [
      'windows',
      { state: 'ctx.windowState', timers: 'its trigger' },
      (read) => (stream) =>
        keyed(stream)
          .window(tumblingEventTimeWindows('5s'))
          .process(
            windowProcessFunction({ process: (_: Anything, ctx: Anything) => read(ctx) }),
            uid,
          ),
    ],
    [
      'interval joins',
      { state: 'coProcessFunction', timers: 'coProcessFunction' },
      (read) => (stream, other) =>
        keyed(stream)
          .intervalJoin(keyed(other))
          .between('-5s', '5s')
          .process((_l: Anything, _r: Anything, ctx: Anything) => read(ctx), uid),
    ],
    [
      'asynchronous functions',
      { state: 'before or behind it', timers: 'before or behind it' },
      (read) => (stream) =>
        stream.asyncMap((_: Anything, ctx: Anything) => read(ctx), { ...uid, timeout: '5s' }),
    ],
  ]

  test.each(functions)('%s', async (_name, wayOut, build) => {
    for (const name of ['state', 'timers']) {
      const read = (ctx: Anything) => ctx[name].count
      const found = await failure(build(read), { watermarks: boundedOutOfOrderness(0) })
      expect(found).toMatchObject({ code: 'MR_NOT_IN_CONTEXT' })
      expect(found?.message).toMatch(`ctx.${name} was used`)
      expect(found?.message).toContain(wayOut[name])
    }
  })
})

describe('functions and tags that are none (semantics 1.1)', () => {
  const stateful = processFunction({ state: { n: valueState() }, processElement() {} })
  const stateful2 = coProcessFunction({ processElement1() {}, processElement2() {} })

  test.each<[string, Build, string]>([
    ['state and timers without keys', (stream) => stream.process(stateful, uid), 'keyBy'],
    [
      'state and timers of two streams without keys',
      (stream, other) => stream.connect(other).process(stateful2, uid),
      'keyBy',
    ],
    [
      'a plain function with keys',
      (stream) => keyed(stream).process(() => {}, uid),
      'processFunction(…)',
    ],
    [
      'a plain function for two streams with keys',
      (stream, other) => keyed(stream).connect(keyed(other)).process(stateful2.definition, uid),
      'coProcessFunction(…)',
    ],
    [
      'a plain function for windows',
      (stream) =>
        keyed(stream)
          .window(globalWindows())
          .process(() => {}, uid),
      'windowProcessFunction(…)',
    ],
    [
      'an object in the place of a window function',
      (stream) =>
        keyed(stream)
          .window(globalWindows())
          .aggregate(counted, { process() {} }, uid),
      'windowProcessFunction(…)',
    ],
    ['no second stream', (stream) => stream.connect(undefined), 'no stream of this job'],
    ['no second stream with keys', (stream) => keyed(stream).connect(undefined), 'keyBy'],
    ['nothing to unite with', (stream) => stream.union(undefined), 'no stream of this job'],
    ['nothing to join with', (stream) => keyed(stream).intervalJoin(5), 'keyBy'],
  ])('%s: no graph', async (_name, build, wayOut) => {
    const found = await failure(build)
    expect(found).toMatchObject(atBuild('MR_GRAPH_INVALID'))
    expect(found.message).toContain(wayOut)
  })

  test.each([undefined, null, 'late', {}, 5])('%j is no tag, and takes no records', async (tag) => {
    const windows = (stream: Anything) => keyed(stream).window(tumblingEventTimeWindows(10))
    const joined = (stream: Anything, other: Anything) =>
      keyed(stream).intervalJoin(keyed(other)).between(-1, 1)
    const builds: Build[] = [
      (stream) => windows(stream).sideOutputLateData(tag).aggregate(counted, uid),
      (stream) => windows(stream).aggregate(counted, uid).getSideOutput(tag),
      (stream, other) => joined(stream, other).sideOutputLeftLateData(tag),
      (stream, other) => joined(stream, other).sideOutputRightLateData(tag),
    ]
    for (const build of builds) {
      expect(await failure(build)).toMatchObject(atBuild('MR_OPTION_INVALID'))
    }
    const emits = processFunction({
      processElement: (value: unknown, ctx: Anything) => ctx.output(tag, value),
    })
    const emitting: Build = (stream) => keyed(stream).process(emits, uid)
    expect(await failure(emitting)).toMatchObject(inOperator('MR_OPTION_INVALID'))
  })

  test('a tag that nobody reads drops its records', async () => {
    const unread = processFunction({
      processElement: (value: unknown, ctx: Anything) => ctx.output(outputTag('unread'), value),
    })
    expect((await failure((stream) => keyed(stream).process(unread, uid))).code).toBeUndefined()
  })

  const own = { name: 'own', isEventTime: true, isMerging: false, defaultTrigger: eventTimeTrigger }

  test.each([
    ['no list', 5],
    ['no windows', [{}]],
    ['a window without a beginning', [timeWindow(NaN, 5)]],
    ['a window without an end', [timeWindow(0, Infinity)]],
    ['a window of half a millisecond', [timeWindow(0.5, 1)]],
    ['a window with nothing but an end', [{ maxTimestamp: 10 }]],
  ])("an assigner of the user's that returns %s", async (_name, windows) => {
    const assigner = { ...own, assignWindows: () => windows }
    expect(await failure(aggregated(() => assigner))).toMatchObject(inOperator('MR_WINDOW_INVALID'))
  })

  test("an assigner of the user's without a name has no state", async () => {
    const assigner = { ...own, name: undefined, assignWindows: () => [timeWindow(0, 1)] }
    expect(await failure(aggregated(() => assigner))).toMatchObject(atBuild('MR_NAME_INVALID'))
  })

  test('late firing without an interval, and counts that are none', async () => {
    const late: Build = (stream) =>
      keyed(stream).window(tumblingEventTimeWindows(10)).allowedLateness(5).lateFiring()
    expect(await failure(late)).toMatchObject(atBuild('MR_DURATION_INVALID'))
    for (const n of [0, -1, 1.5, NaN, '1', undefined]) {
      const build: Build = (stream) => keyed(stream).countWindow(n).aggregate(counted, uid)
      expect(await failure(build)).toMatchObject(atBuild('MR_OPTION_INVALID'))
      expect(() => countTrigger(n)).toThrow(expect.objectContaining({ code: 'MR_OPTION_INVALID' }))
    }
  })
})
