import { describe, expect, test } from 'vitest'
import * as millrace from 'millrace'
import * as kit from 'millrace/testing'

// A name that is mistyped in options is told, wherever there are options: left out, it would be another job, silently. Types
// see most of them, but not in JavaScript, nor in objects that are put together elsewhere.

// oxlint-disable-next-line typescript/no-explicit-any
type Anything = any
const { collectionSink, collectionSource, csv, job, json, outputTag, processFunction } =
  millrace as Anything
const made = millrace as Anything
const { operatorHarness, testJob, verifyOperator } = kit as Anything

const uid = 'tested'
const counted = { create: () => 0, add: (n: number) => n + 1, result: (n: number) => n }
const never = () => 0

describe.each<[string, string, Readonly<Record<string, (options: object) => unknown>>]>([
  [
    'windows',
    'MR_OPTION_INVALID',
    {
      'ofset → offset': (o) => made.tumblingEventTimeWindows('1h', o),
      'stager → stagger': (o) => made.tumblingProcessingTimeWindows('1h', o),
      'offsett → offset': (o) => made.slidingEventTimeWindows('1h', '5m', o),
      'offfset → offset': (o) => made.slidingProcessingTimeWindows('1h', '5m', o),
      'fireAtEndOfStraem → fireAtEndOfStream': (o) => made.globalWindows(o),
      'afer → after': (o) => made.countEvictor(1, o),
      'aftre → after': (o) => made.timeEvictor('1h', o),
      'affter → after': (o) => made.deltaEvictor(1, never, o),
      'clearOnTimeuot → clearOnTimeout': (o) =>
        made.processingTimeoutTrigger(made.countTrigger(1), '1h', o),
      'precison → precision': (o) => made.approximateCountDistinct(never, o),
    },
  ],
  [
    'time',
    'MR_OPTION_INVALID',
    {
      'idleTimout → idleTimeout': (o) => made.boundedOutOfOrderness('1s', never, o),
      'idletimeout → idleTimeout': (o) => made.monotonousTimestamps(never, o),
      'alignmnet → alignment': (o) => made.punctuatedWatermarks(never, never, o),
      'idleTimeOut → idleTimeout': (o) => made.noWatermarks(never, o),
      'emision → emission': (o) => made.customWatermarks({ createGenerator: never, ...o }),
      'maxDrfit → maxDrift': (o) =>
        made.monotonousTimestamps(never, { alignment: { group: 'a', maxDrift: 1, ...o } }),
    },
  ],
  [
    'state',
    'MR_OPTION_INVALID',
    {
      'tll → ttl': (o) => made.valueState(o),
      'versoin → version': (o) => made.listState(o),
      'verson → version': (o) => made.mapState(o),
      'tttl → ttl': (o) => made.reducingState(never, o),
      'vesion → version': (o) => made.aggregatingState(counted, o),
    },
  ],
  [
    'restarts and jobs',
    'MR_OPTION_INVALID',
    {
      'attemps → attempts': (o) => made.fixedDelayRestart(o),
      'maxFailure → maxFailures': (o) => made.failureRateRestart(o),
      'multplier → multiplier': (o) => made.exponentialDelayRestart(o),
      'parms → params': (o) => job('tested', o, never),
    },
  ],
  [
    'sources',
    'MR_SOURCE_INVALID',
    {
      'onEror → onError': (o) => made.fileSource({ path: 'a.csv', format: csv(), ...o }),
      'timestampof → timestampOf': (o) => made.dataGeneratorSource({ generate: never, ...o }),
    },
  ],
  [
    'sinks',
    'MR_SINK_INVALID',
    {
      'rollSzie → rollSize': (o) => made.fileSink({ dir: 'out', format: json(), ...o }),
      'fromat → format': (o) => made.printSink(o),
    },
  ],
  [
    'formats',
    'MR_FORMAT_INVALID',
    {
      'delimeter → delimiter': (o) => csv(o),
      'colums → columns': (o) => csv(o),
      'validat → validate': (o) => json(o),
    },
  ],
])('unknown options of %s', (_what, code, cases) => {
  test.each(Object.entries(cases))('%s', (names, make) => {
    const [typed, meant] = names.split(' → ') as [string, string]
    expect(() => make({ [typed]: 1 })).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringMatching(
          new RegExp(`"${typed}", which there is not; .* write "${meant}"`),
        ) as string,
      }),
    )
    expect(() => make({ [typed]: undefined })).not.toThrow()
  })
})

describe('unknown options of operators', () => {
  const options = (more: object) => ({ uid, ...more })
  const stateful = processFunction({ processElement() {} })
  const twoInputs = made.coProcessFunction({ processElement1() {}, processElement2() {} })
  const asked = (n: number) => [n]
  const keyed = (stream: Anything) => stream.keyBy(() => 0)
  const windowed = (stream: Anything) =>
    keyed(stream).window(made.tumblingEventTimeWindows('1h')).sideOutputLateData(outputTag('late'))

  const cases: Readonly<Record<string, (stream: Anything, o: object, env: Anything) => Anything>> =
    {
      'paralelism → parallelism': (stream, o) => stream.map(never, options(o)),
      'onerror → onError': (stream, o) => stream.filter(never, options(o)),
      'onErorr → onError': (stream, o) => stream.flatMap(never, options(o)),
      'startNewChian → startNewChain': (stream, o) => stream.process(never, options(o)),
      'disableChainig → disableChaining': (stream, o) =>
        stream.assignTimestampsAndWatermarks(made.monotonousTimestamps(), options(o)),
      'capactiy → capacity': (stream, o) => stream.orderedWait(asked, options(o)),
      'timout → timeout': (stream, o) => stream.unorderedWait(asked, options(o)),
      'orderd → ordered': (stream, o) => stream.asyncMap(asked, options(o)),
      'retryOnEror → retryOnError': (stream, o) =>
        stream.asyncMap(asked, options({ retry: { maxAttempts: 1, delay: 1, ...o } })),
      'multipler → multiplier': (stream, o) => {
        const delay = { initial: 1, max: 2, multiplier: 2, ...o }
        return stream.asyncMap(asked, options({ retry: { maxAttempts: 1, delay } }))
      },
      'parallelsim → parallelism': (stream, o) => keyed(stream).process(stateful, options(o)),
      'paralllelism → parallelism': (stream, o) => keyed(stream).reduce(never, options(o)),
      'parallelisn → parallelism': (stream, o) => keyed(stream).sum('n', options(o)),
      'fist → first': (stream, o) => keyed(stream).minBy('n', options(o)),
      'frist → first': (stream, o) => keyed(stream).maxBy('n', options(o)),
      'kep → keep': (stream, o) =>
        keyed(stream).deduplicate(options({ ttl: 1, ...o, keep: 'first' })),
      'compre → compare': (stream, o) => keyed(stream).topN(1, options({ by: never, ...o })),
      'comprae → compare': (stream, o) => windowed(stream).topN(1, options({ by: never, ...o })),
      'firts → first': (stream, o) => windowed(stream).minBy('n', options(o)),
      'frst → first': (stream, o) => windowed(stream).maxBy('n', options(o)),
      'paralellism → parallelism': (stream, o) => windowed(stream).aggregate(counted, options(o)),
      'pralellism → parallelism': (stream, o) =>
        stream.connect(stream).map({ map1: never, map2: never }, options(o)),
      'parallellism → parallelism': (stream, o) =>
        stream.connect(stream).flatMap({ flatMap1: asked, flatMap2: asked }, options(o)),
      'parallelismm → parallelism': (stream, o) =>
        keyed(stream).connect(keyed(stream)).process(twoInputs, options(o)),
      'parallism → parallelism': (stream, o) =>
        keyed(stream).intervalJoin(keyed(stream)).between(0, 1).process(never, options(o)),
      'parallelis → parallelism': (stream, o) =>
        stream
          .join(stream)
          .where(never)
          .equalTo(never)
          .window(made.tumblingEventTimeWindows('1h'))
          .apply(never, options(o)),
      'atMostEvry → atMostEvery': (stream, o) =>
        windowed(stream)
          .lateFiring({ atMostEvery: 1, ...o })
          .aggregate(counted, options({})),
      'parralelism → parallelism': (stream, o) => void stream.sinkTo(collectionSink(), options(o)),
      'readfirst → readFirst': (_stream, o, env) =>
        env.fromSource(collectionSource([]), options(o)),
      'watermark → watermarks': (_stream, o, env) =>
        env.fromSource(collectionSource([]), options(o)),
    }

  test.each(Object.entries(cases))('%s, when the graph is built', async (names, build) => {
    const [typed, meant] = names.split(' → ') as [string, string]
    const run = (given: object) =>
      testJob(
        job('tested', {}, (env: Anything) => {
          const stream = env.fromSource(collectionSource([]), { uid: 'source' })
          build(stream, given, env)?.sinkTo(collectionSink(), { uid: 'out' })
        }),
      )
    await expect((async () => run({ [typed]: 1 }))()).rejects.toMatchObject({
      code: 'MR_OPTION_INVALID',
      message: expect.stringMatching(
        new RegExp(`"${typed}", which there is not; .* write "${meant}"`),
      ) as string,
    })
  })

  test('are told of what stands where options belong', async () => {
    const tested = job('tested', {}, (env: Anything) =>
      env.fromSource(collectionSource([]), { uid: 'source' }).map(never, 'the-map'),
    )
    await expect((async () => testJob(tested))()).rejects.toMatchObject({
      code: 'MR_OPTION_INVALID',
      message: expect.stringContaining('map() was given "the-map" (string)') as string,
    })
    expect(() => job('tested', never)).toThrow('was given a function where its options belong')
  })
})

describe('unknown options of the test kit', () => {
  const build = (stream: Anything) => stream.map((n: number) => n)
  const tested = job('tested', {}, (env: Anything) => {
    const source = env.fromSource(collectionSource([1]), { uid: 'source' })
    source.sinkTo(collectionSink(), { uid: 'out' })
  })
  const refused = (message: string) => ({
    code: 'MR_TEST_INVALID',
    message: expect.stringContaining(message) as string,
  })

  test('fail the test, which would be another one', async () => {
    await expect(testJob(tested, { crashAtt: 'before-commit' })).rejects.toMatchObject(
      refused('"crashAtt", which there is not; it would do nothing; write "crashAt"'),
    )
    await expect(testJob(tested, { crashAt: { step: 1, slto: 0 } })).rejects.toMatchObject(
      refused('which is no crash point'),
    )
    const harness = { outputCapcity: 1 }
    await expect((async () => operatorHarness(build, harness))()).rejects.toMatchObject(
      refused('write "outputCapacity"'),
    )
    const verified = { input: [{ value: 1 }], expected: [1], orderd: false }
    await expect(verifyOperator(build, verified)).rejects.toMatchObject(refused('write "ordered"'))
  })

  test('fail in records, and where a harness goes on', async () => {
    const harness = await operatorHarness(build)
    expect(() => harness.processElements([{ value: 1, timestmp: 5 }])).toThrow(
      expect.objectContaining(refused('write "timestamp"')),
    )
    const snapshot = await harness.snapshot()
    await expect(harness.restore(snapshot, { paralelism: 2 })).rejects.toMatchObject(
      refused('write "parallelism"'),
    )
    await harness.close()
  })

  const coMap = { map1: (n: number) => n, map2: (n: number) => n }

  test.each<[string, Anything, object, string]>([
    ['one that names no side of two', coMap, { value: 1 }, 'which of the two inputs'],
    ['one for another side of one', build, { value1: 1 }, 'there is one input only'],
    ['two in one', build, { value: 1, watermark: 5 }, 'only one of value and watermark'],
    ['two in one for two', coMap, { value1: 1, value2: 1 }, 'only one of value1 and value2'],
    ['none', build, {}, 'no verb for it'],
    ['a mistyped timestamp', build, { value: 1, timestmp: 5 }, 'write "timestamp"'],
    ['a watermark with a timestamp', build, { watermark: 1, timestamp: 5 }, '"timestamp", which'],
  ])('fail in the input of verifyOperator: %s', async (_what, given, element, message) => {
    const run = verifyOperator(given, { input: [element], expected: [1] })
    await expect(run).rejects.toMatchObject(refused(message))
  })
})

describe('what is no output tag', () => {
  const build = (stream: Anything) => stream.map((n: number) => n)
  const tested = job('tested', {}, (env: Anything) => {
    const source = env.fromSource(collectionSource([1]), { uid: 'source' })
    source.sinkTo(collectionSink(), { uid: 'out' })
  })
  const refused = expect.objectContaining({
    code: 'MR_OPTION_INVALID',
    message: expect.stringMatching(/was given .*, which is no output tag; .* give what outputTag/),
  }) as Error

  test.each(['late', undefined, null, 5])('is told by the test kit: %j', async (tag) => {
    await expect(testJob(tested, { sideOutputs: [tag] })).rejects.toEqual(refused)
    const result = await testJob(tested, { sideOutputs: [] })
    expect(() => result.sideOutputValues(tag)).toThrow(refused)
    const harness = await operatorHarness(build)
    expect(() => harness.sideOutput(tag)).toThrow(refused)
    expect(() => harness.sideOutputValues(tag)).toThrow(refused)
    await harness.close()
    const verified = { input: [{ value: 1 }], expected: [1], expectedSide: [[tag, []]] }
    await expect(verifyOperator(build, verified)).rejects.toEqual(refused)
  })

  test('and neither is a tag in the place of a list', async () => {
    const tag = outputTag('late')
    const noList = {
      code: 'MR_TEST_INVALID',
      message: expect.stringContaining('no list') as string,
    }
    await expect(testJob(tested, { sideOutputs: tag })).rejects.toMatchObject(noList)
    const verified = { input: [], expected: [], expectedSide: tag }
    await expect(verifyOperator(build, verified)).rejects.toMatchObject(noList)
    const entries = { ...verified, expectedSide: [tag] }
    await expect(verifyOperator(build, entries)).rejects.toEqual(refused)
  })
})
