import type { BroadcastProcessFunction } from '../operators/broadcast/broadcast-process.ts'
import type { KeyedBroadcastProcessFunction } from '../operators/broadcast/keyed-broadcast-process.ts'
import type { CoFlatMapFunction, CoMapFunction } from '../operators/co-map.ts'
import type { CoElementFunction, ElementFunction } from '../operators/element-function.ts'
import type { FlatMapFunction } from '../operators/flat-map.ts'
import type { MapFunction } from '../operators/map.ts'
import type { CoProcessFunction } from '../operators/co-process.ts'
import type { ProcessFunction } from '../operators/process.ts'
import type { DataStream } from '../operators/streams.ts'
import type { Key } from '../runtime/key.ts'
import { misuse } from './misuse.ts'

/** A stream of one input under test: what a job would do with it. */
export type StreamUnderTest<In, R> = (input: DataStream<In>) => DataStream<R>

/** A stream of two inputs under test: connected, joined or united as in a job. */
export type TwoStreamsUnderTest<A, B, R> = (
  first: DataStream<A>,
  second: DataStream<B>,
) => DataStream<R>

/** The forms of a function that are objects: a plain function is what builds a stream. */
type ObjectOf<F> = Exclude<F, (...args: never) => unknown>

/** A function over records without a key, as an object with its method. */
export type FunctionUnderTest<In, R> =
  ObjectOf<MapFunction<In, R>> | ObjectOf<FlatMapFunction<In, R>> | ObjectOf<ElementFunction<In, R>>

/** A function over two inputs without keys, as an object with its methods. */
export type TwoInputFunctionUnderTest<A, B, R> =
  CoMapFunction<A, B, R> | CoFlatMapFunction<A, B, R> | CoElementFunction<A, B, R>

/** What was given to a harness, as what it does with its inputs. */
export interface UnderTest {
  readonly inputs: 1 | 2
  build(inputs: readonly DataStream<unknown>[]): DataStream<unknown>
}

/** The uid of a function that is tested by itself. */
const UID = 'under-test'

/** Makes sense of what was given to `operatorHarness`; fails with `MR_TEST_INVALID` for what it cannot test. */
export function underTest(given: unknown, keyBy: unknown): UnderTest {
  if (typeof given === 'function') {
    if (keyBy === undefined) return fromStreamFunction(given as AnyStreamFunction)
    throw misuse(
      'operatorHarness',
      'it was given keyBy with a function that builds a stream; that function chooses the keys itself; leave keyBy out, or give what processFunction or coProcessFunction returned.',
    )
  }
  const object = (given ?? {}) as Readonly<Record<string, unknown>>
  if (object['isBroadcast'] === true) return fromBroadcastFunction(given, keyBy)
  if (object['spec'] !== undefined) return fromKeyedFunction(given, keyBy)
  const plain = PLAIN.find(({ methods }) =>
    methods.every((method) => typeof object[method] === 'function'),
  )
  if (plain === undefined) throw nothingToTest(given)
  if (keyBy === undefined) return plain.test(given)
  throw misuse(
    'operatorHarness',
    `it was given keyBy with an object that has ${plain.methods.join(' and ')}; such a function has no key; leave keyBy out, or make the function with processFunction or coProcessFunction.`,
  )
}

type AnyStreamFunction = (...inputs: readonly DataStream<unknown>[]) => unknown

function fromStreamFunction(build: AnyStreamFunction): UnderTest {
  return {
    inputs: build.length > 1 ? 2 : 1,
    build: (inputs) => {
      const stream = build(...inputs) as Partial<DataStream<unknown>> | undefined
      if (typeof stream?.sinkTo === 'function') return stream as DataStream<unknown>
      throw misuse(
        'operatorHarness',
        `the function that it was given returned ${typeof stream === 'object' ? 'something that is no stream of records' : `a value of type ${typeof stream}`}; there is nothing to watch; a function gets streams and returns one: (stream) => stream.map(f), or give an object: { map: f }.`,
      )
    },
  }
}

type Selector = (value: unknown) => Key

function fromKeyedFunction(given: unknown, keyBy: unknown): UnderTest {
  const isPair = Array.isArray(keyBy)
  const selectors = (isPair ? keyBy : [keyBy]) as readonly Selector[]
  const { operatorKind } = (given as ProcessFunction<unknown, unknown>).spec
  const needsTwo = operatorKind.startsWith('co-')
  if (selectors.some((selector) => typeof selector !== 'function') || isPair !== needsTwo) {
    throw misuse(
      'operatorHarness',
      `a function over ${needsTwo ? 'two inputs was given without a pair of key selectors' : 'keyed records was given without its key selector'}; its records would have no key; add ${needsTwo ? 'keyBy: [(first) => …, (second) => …]' : 'keyBy: (value) => …'} to the options.`,
    )
  }
  if (needsTwo) {
    return {
      inputs: 2,
      build: ([first, second]) =>
        first!
          .connect(second!)
          .keyBy(selectors[0]!, selectors[1]!)
          .process(given as CoProcessFunction<unknown, unknown, unknown>, { uid: UID }),
    }
  }
  return {
    inputs: 1,
    build: ([input]) =>
      input!.keyBy(selectors[0]!).process(given as ProcessFunction<unknown, unknown>, { uid: UID }),
  }
}

type AnyBroadcastFunction = BroadcastProcessFunction<unknown, unknown, unknown>

/** A function whose second input is broadcast; its first one is keyed, or is not. */
function fromBroadcastFunction(given: unknown, keyBy: unknown): UnderTest {
  const needsKey = (given as AnyBroadcastFunction).spec.operatorKind.startsWith('keyed-')
  if (needsKey !== (typeof keyBy === 'function')) {
    throw misuse(
      'operatorHarness',
      needsKey
        ? 'a broadcast function over keyed records was given without one key selector; its records would have no key; add keyBy: (value) => … to the options, for the first input alone.'
        : 'a broadcast function without a key was given keyBy; there is nothing that could be kept by key; leave keyBy out, or make the function with keyedBroadcastProcessFunction.',
    )
  }
  const place = { uid: UID }
  if (!needsKey) {
    return two((a, b) => a.connect(b.broadcast()).process(given as AnyBroadcastFunction, place))
  }
  return two((a, b) =>
    a
      .keyBy(keyBy as Selector)
      .connect(b.broadcast())
      .process(given as KeyedBroadcastProcessFunction<unknown, unknown, unknown>, place),
  )
}

/** Functions without a key, by the methods that tell them apart. */
const PLAIN: readonly {
  readonly methods: readonly string[]
  readonly test: (given: unknown) => UnderTest
}[] = [
  {
    methods: ['map'],
    test: (given) => one((input) => input.map(given as MapFunction<unknown, unknown>)),
  },
  {
    methods: ['flatMap'],
    test: (given) => one((input) => input.flatMap(given as FlatMapFunction<unknown, unknown>)),
  },
  {
    methods: ['processElement'],
    test: (given) =>
      one((input) => input.process(given as ElementFunction<unknown, unknown>, { uid: UID })),
  },
  {
    methods: ['map1', 'map2'],
    test: (given) =>
      two((a, b) => a.connect(b).map(given as CoMapFunction<unknown, unknown, unknown>)),
  },
  {
    methods: ['flatMap1', 'flatMap2'],
    test: (given) =>
      two((a, b) => a.connect(b).flatMap(given as CoFlatMapFunction<unknown, unknown, unknown>)),
  },
  {
    methods: ['processElement1', 'processElement2'],
    test: (given) =>
      two((a, b) =>
        a.connect(b).process(given as CoElementFunction<unknown, unknown, unknown>, { uid: UID }),
      ),
  },
]

function one(build: StreamUnderTest<unknown, unknown>): UnderTest {
  return { inputs: 1, build: ([input]) => build(input!) }
}

function two(build: TwoStreamsUnderTest<unknown, unknown, unknown>): UnderTest {
  return { inputs: 2, build: ([first, second]) => build(first!, second!) }
}

function nothingToTest(given: unknown): Error {
  const shown = given === null ? 'null' : `something of type ${typeof given}`
  return misuse(
    'operatorHarness',
    `it was given ${shown} that is neither a function of streams nor one over records; there is nothing to run; give (stream) => …, what processFunction and its like returned, or an object with ${PLAIN.map(({ methods }) => methods.join(' and ')).join(', ')}.`,
  )
}
