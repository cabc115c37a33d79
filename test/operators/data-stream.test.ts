import { describe, expect, test } from 'vitest'
import {
  boundedOutOfOrderness,
  coProcessFunction,
  collectionSource,
  type DataStream,
  job,
  outputTag,
  printSink,
  processFunction,
  type StreamEnvironment,
  tumblingEventTimeWindows,
  valueState,
} from 'millrace'
import type { OperatorNode, SourceNode, StreamGraph } from '../../runtime/graph/stream-graph.ts'

interface Order {
  readonly shop: string
  readonly cents: number
}

const orders = collectionSource<Order>([])

/** The graph that a function builds, with a sink of its own so that it is a valid one. */
function build(define: (env: StreamEnvironment, input: DataStream<Order>) => void): StreamGraph {
  const declared = job('orders', {}, (env) => {
    const input = env.fromSource(orders, { uid: 'in' })
    input.sinkTo(printSink(), { uid: 'out' })
    define(env, input)
  })
  return declared.build({}, { parallelism: 1, maxParallelism: 128 }).graph
}

/** What was added behind source and sink. */
function added(define: Parameters<typeof build>[0]): OperatorNode[] {
  return build(define).nodes.slice(2) as OperatorNode[]
}

function refused(code: string, define: Parameters<typeof build>[0]): void {
  expect(() => build(define)).toThrow(expect.objectContaining({ code }))
}

const main = (nodeId: number) => ({ nodeId, tag: undefined })

describe('streams', () => {
  test('each method adds one node that reads the stream, with its options', () => {
    const nodes = added((_env, input) => {
      input.map((order) => order.cents, { uid: 'cents', parallelism: 3 })
      input.filter((order) => order.cents > 0)
      input.flatMap((order) => [order]).flatMap((order) => [order])
      input.assignTimestampsAndWatermarks(boundedOutOfOrderness('1s'), { uid: 'time' })
    })
    expect(
      nodes.map(({ name, operatorKind, uid, parallelism }) => ({
        name,
        operatorKind,
        uid,
        parallelism,
      })),
    ).toEqual([
      { name: 'cents', operatorKind: 'map', uid: 'cents', parallelism: 3 },
      { name: 'filter#1', operatorKind: 'filter', uid: undefined, parallelism: undefined },
      { name: 'flat-map#1', operatorKind: 'flat-map', uid: undefined, parallelism: undefined },
      { name: 'flat-map#2', operatorKind: 'flat-map', uid: undefined, parallelism: undefined },
      { name: 'time', operatorKind: 'watermarks', uid: 'time', parallelism: undefined },
    ])
    expect(nodes.map((node) => node.inputs)).toEqual([
      [main(0)],
      [main(0)],
      [main(0)],
      [main(4)],
      [main(0)],
    ])
  })

  test('a source keeps its strategy, a sink its input', () => {
    const watermarks = boundedOutOfOrderness<Order>('1s')
    const graph = build((env) => {
      env.fromSource(orders, { uid: 'timed', watermarks, parallelism: 2 })
    })
    expect(graph.nodes[2]).toMatchObject({ type: 'source', uid: 'timed', parallelism: 2 })
    expect((graph.nodes[2] as SourceNode).watermarks).toBe(watermarks)
    expect((graph.nodes[0] as SourceNode).watermarks).toBeUndefined()
    expect(graph.nodes[1]).toMatchObject({ type: 'sink', name: 'out', inputs: [main(0)] })
  })

  test('all that follows one keyBy shares one exchange; another keyBy is another', () => {
    const graph = build((_env, input) => {
      const keyed = input.keyBy((order) => order.shop)
      keyed.process(counting(), { uid: 'process' })
      keyed.reduce((a) => a, { uid: 'reduce' })
      keyed.window(tumblingEventTimeWindows('1h')).aggregate(sum, { uid: 'window' })
      input.keyBy((order) => order.shop).reduce((a) => a, { uid: 'other' })
    })
    expect(graph.exchanges.map(({ id, inputs }) => ({ id, inputs }))).toEqual([
      { id: 0, inputs: [main(0)] },
      { id: 1, inputs: [main(0)] },
    ])
    const nodes = graph.nodes.slice(2) as OperatorNode[]
    expect(nodes.map((node) => [node.exchange?.id, node.operatorKind, node.hasTimers])).toEqual([
      [0, 'process', false],
      [0, 'reduce', false],
      [0, 'window-aggregate', true],
      [1, 'reduce', false],
    ])
    expect(nodes.map((node) => node.states.map((state) => state.name))).toEqual([
      ['count'],
      ['reduced'],
      ['tumbling-3600000.aggregate'],
      ['reduced'],
    ])
  })

  test('aggregate takes a window function before its options, or none', () => {
    const nodes = added((_env, input) => {
      const windowed = input.keyBy((order) => order.shop).window(tumblingEventTimeWindows('1h'))
      windowed.aggregate(sum, { uid: 'a', parallelism: 1 })
      windowed.aggregate(sum, (_sum, _ctx, _out) => {}, { uid: 'b', parallelism: 2 })
    })
    expect(nodes.map((node) => [node.uid, node.parallelism])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  test('a union reads all its streams, and so does what is keyed from it', () => {
    const graph = build((env, input) => {
      const other = env.fromSource(orders, { uid: 'other' })
      const both = input
        .union(
          other,
          input.filter(() => true),
        )
        .union(input)
      both.map((order) => order, { uid: 'joined' })
      both.keyBy((order) => order.shop)
    })
    const inputs = [main(0), main(2), main(3), main(0)]
    expect((graph.nodes.at(-1) as OperatorNode).inputs).toEqual(inputs)
    expect(graph.exchanges[0]?.inputs).toEqual(inputs)
  })

  test('a side output is read by its tag', () => {
    const tag = outputTag<string>('bad')
    const [, reader] = added((_env, input) => {
      input
        .map((order) => order, { onError: 'skip' })
        .getSideOutput(tag)
        .map((text) => text)
    })
    expect(reader?.inputs).toEqual([{ nodeId: 2, tag: 'bad' }])
  })

  test('unions and side outputs have no side outputs of their own', () => {
    const tag = outputTag<Order>('bad')
    refused('MR_GRAPH_INVALID', (_env, input) => {
      input.union(input).getSideOutput(tag)
    })
    refused('MR_GRAPH_INVALID', (_env, input) => {
      input.getSideOutput(tag).getSideOutput(tag)
    })
  })

  test('streams of another job, and what is no stream, cannot be joined', () => {
    let foreign: DataStream<Order> | undefined
    build((_env, input) => void (foreign = input))
    refused('MR_GRAPH_INVALID', (_env, input) => void input.union(foreign!))
    refused('MR_GRAPH_INVALID', (_env, input) => void input.union({} as never))
  })

  test('onError is refused on whatever has state (R20)', () => {
    const options = { uid: 'a', onError: 'skip' } as never
    const windows = tumblingEventTimeWindows('1h')
    const uses: Parameters<typeof build>[0][] = [
      (_env, input) => void input.keyBy((o) => o.shop).process(counting(), options),
      (_env, input) => void input.keyBy((o) => o.shop).reduce((a) => a, options),
      (_env, input) =>
        void input
          .keyBy((o) => o.shop)
          .window(windows)
          .aggregate(sum, options),
      (_env, input) => void input.assignTimestampsAndWatermarks(boundedOutOfOrderness(1), options),
      (_env, input) => void input.sinkTo(printSink(), options),
      (env) => void env.fromSource(orders, options),
    ]
    for (const use of uses) refused('MR_OPTION_INVALID', use)
  })

  test('missing options are missing uids, all reported at once', () => {
    const withoutUids = (): void => {
      build((env, input) => {
        env.fromSource(orders, undefined as never)
        input.keyBy((o) => o.shop).process(counting(), undefined as never)
        input.assignTimestampsAndWatermarks(boundedOutOfOrderness(1), undefined as never)
        input.sinkTo(printSink(), undefined as never)
      })
    }
    expect(withoutUids).toThrow(/collection#2, process#1, watermarks#1, sink print#2/)
  })

  test('a function in the form of another stream is told the form of this one', () => {
    const windows = tumblingEventTimeWindows('1h')
    const plain = (() => {}) as never
    const keyed = counting() as never
    const uses: [RegExp, Parameters<typeof build>[0]][] = [
      [
        /^process of a keyed stream .* type function, .* what processFunction\(…\) returned/,
        (_env, input) => void input.keyBy((o) => o.shop).process(plain, { uid: 'a' }),
      ],
      [
        /^process of connected keyed streams .* coProcessFunction\(…\) or keyedBroadcastProcessFunction\(…\)/,
        (_env, input) => {
          const one = input.keyBy((o) => o.shop)
          one.connect(one).process(plain, { uid: 'a' })
        },
      ],
      [
        /^process of a windowed stream .* windowProcessFunction\(…\)/,
        (_env, input) =>
          void input
            .keyBy((o) => o.shop)
            .window(windows)
            .process(plain, { uid: 'a' }),
      ],
      [
        /^process of a stream without keys .* put keyBy\(…\) before it/,
        (_env, input) => void input.process(keyed, { uid: 'a' } as never),
      ],
      [
        /^process of connected streams without keys .* put keyBy\(…\) before it/,
        (_env, input) => void input.connect(input).process(keyed, { uid: 'a' } as never),
      ],
    ]
    for (const [message, use] of uses) {
      expect(() => build(use)).toThrow(message)
      refused('MR_GRAPH_INVALID', use)
    }
  })

  test('watermarks that are no strategy are refused while the graph is built', () => {
    for (const given of [(order: Order) => order.cents, {}, null, 'event'] as never[]) {
      const uses: Parameters<typeof build>[0][] = [
        (env) => void env.fromSource(orders, { uid: 'b', watermarks: given }),
        (_env, input) => void input.assignTimestampsAndWatermarks(given, { uid: 'b' }),
      ]
      for (const use of uses) {
        refused('MR_OPTION_INVALID', use)
        expect(() => build(use)).toThrow(
          /\("b"\) .* no watermark strategy; .* monotonousTimestamps/,
        )
      }
    }
    refused(
      'MR_OPTION_INVALID',
      (_env, input) => void input.assignTimestampsAndWatermarks(undefined as never, { uid: 'b' }),
    )
  })

  test('what is no output tag is refused: a text would stand for the main output', () => {
    for (const tag of ['late', undefined, null, {}, { name: 5 }] as never[]) {
      const keyed = (input: DataStream<Order>) => input.keyBy((o) => o.shop)
      const uses: Parameters<typeof build>[0][] = [
        (_env, input) => void input.getSideOutput(tag),
        (_env, input) =>
          void keyed(input).window(tumblingEventTimeWindows('1h')).sideOutputLateData(tag),
        (_env, input) =>
          void keyed(input).intervalJoin(keyed(input)).between(0, 1).sideOutputLeftLateData(tag),
        (_env, input) =>
          void keyed(input).intervalJoin(keyed(input)).between(0, 1).sideOutputRightLateData(tag),
      ]
      for (const use of uses) refused('MR_OPTION_INVALID', use)
    }
  })

  test('what is no source or sink is refused while the graph is built', () => {
    for (const given of [undefined, null, [1, 2], () => {}, 'orders.csv'] as never[]) {
      refused('MR_GRAPH_INVALID', (env) => void env.fromSource(given, { uid: 'b' }))
      refused('MR_GRAPH_INVALID', (_env, input) => void input.sinkTo(given, { uid: 'b' }))
    }
  })

  test('a function of two streams is refused where there is one', () => {
    const two = coProcessFunction({ processElement1() {}, processElement2() {} }) as never
    refused(
      'MR_GRAPH_INVALID',
      (_env, input) => void input.keyBy((o) => o.shop).process(two, { uid: 'b' }),
    )
  })

  test('what is no function is refused while the graph is built', () => {
    const windows = tumblingEventTimeWindows('1h')
    const wrong = [undefined, null, 5, {}] as never[]
    const uses: ((input: DataStream<Order>, given: never) => unknown)[] = [
      (input, given) => input.map(given),
      (input, given) => input.filter(given),
      (input, given) => input.flatMap(given),
      (input, given) => input.keyBy(given),
      (input, given) => input.keyBy((o) => o.shop).reduce(given, { uid: 'a' }),
      (input, given) => input.keyBy((o) => o.shop).process(given, { uid: 'a' }),
      (input, given) =>
        input
          .keyBy((o) => o.shop)
          .window(windows)
          .aggregate(given, { uid: 'a' }),
      (_input, given) => processFunction(given),
    ]
    for (const use of uses) {
      for (const given of wrong)
        refused('MR_GRAPH_INVALID', (_env, input) => void use(input, given))
    }
  })

  test.each(['', 'a b', 'CON'])('an output tag cannot be called %j (N25)', (name) => {
    expect(() => outputTag(name)).toThrow(expect.objectContaining({ code: 'MR_NAME_INVALID' }))
  })
})

const sum = {
  create: () => 0,
  add: (total: number, order: Order) => total + order.cents,
  result: (total: number) => total,
}

const counting = () =>
  processFunction({
    state: { count: valueState<number>() },
    processElement(_order: Order, ctx) {
      ctx.state.count.update((ctx.state.count.value() ?? 0) + 1)
    },
  })
