import { describe, expect, test } from 'vitest'
import { StreamError } from '../../../runtime/errors.ts'
import { graphProblems, validateGraph } from '../../../runtime/graph/validate-graph.ts'
import {
  aggregatingState,
  reducingState,
  type StateDescriptor,
  valueState,
} from '../../../runtime/state/state.ts'
import type { StateOptions } from '../../../runtime/state/state-options.ts'
import { GraphFixture } from './graph-fixtures.ts'

const OPTIONS = { job: 'orders', parallelism: 2, maxParallelism: 128 }

function valid(): GraphFixture {
  const graph = new GraphFixture()
  const mapped = graph.operator(undefined, [graph.source('in')])
  const counted = graph.operator('count', graph.keyBy(mapped), { states: [state('total')] })
  graph.sink('out', [counted])
  return graph
}

function state(name: string, version = 1): StateDescriptor {
  return { kind: 'value', name, version }
}

function codes(graph: GraphFixture, options: Partial<typeof OPTIONS> = {}): string[] {
  return graphProblems(graph, { ...OPTIONS, ...options }).map((problem) => problem.code)
}

function messages(graph: GraphFixture, options: Partial<typeof OPTIONS> = {}): string {
  return graphProblems(graph, { ...OPTIONS, ...options })
    .map((problem) => problem.message)
    .join('\n')
}

describe('validateGraph', () => {
  test('accepts a graph that can run, with streams that nobody reads', () => {
    const graph = valid()
    graph.operator(undefined, [graph.source('unread')])
    graph.keyBy({ nodeId: 0, tag: undefined })
    expect(() => validateGraph(graph, OPTIONS)).not.toThrow()
  })

  test('lists every missing uid at once; operators without state need none', () => {
    const graph = new GraphFixture()
    const source = graph.source(undefined as never)
    const mapped = graph.operator(undefined, [source])
    graph.operator(undefined, graph.keyBy(mapped), { operatorKind: 'process', name: 'process#1' })
    graph.operator(undefined, [mapped], { hasOperatorState: true, name: 'watermarks#1' })
    graph.sink(undefined as never, [mapped])
    expect(codes(graph)).toEqual(['MR_UID_MISSING'])
    expect(messages(graph)).toBe(
      'no uid is set for source collection#0, process#1, watermarks#1, sink print#4; their state could not be found again after a restart; give each a uid of its own in its options.',
    )
  })

  test('lists every uid that is used twice; upper and lower case are the same (N25)', () => {
    const graph = valid()
    graph.sink('Count', [{ nodeId: 0, tag: undefined }])
    graph.sink('IN', [{ nodeId: 0, tag: undefined }])
    expect(codes(graph)).toEqual(['MR_UID_DUPLICATE', 'MR_UID_DUPLICATE'])
    expect(messages(graph)).toContain(
      'uid "count" is used by 2 operators (map "count", print "Count"',
    )
    expect(messages(graph)).toContain('collection "in", print "IN"')
  })

  test.each(['', '-a', '.a', 'a b', 'a/b', 'ä', 'a'.repeat(101), 'NUL', 'con.txt', 'Com1', 5])(
    'refuses the name %j for jobs, uids and states (N25)',
    (name) => {
      const graph = valid()
      graph.sink(name as string, [{ nodeId: 0, tag: undefined }])
      expect(codes(graph)).toEqual(['MR_NAME_INVALID'])
      expect(codes(valid(), { job: name as string })).toEqual(['MR_NAME_INVALID'])
      const stateful = valid()
      const states = [state(name as string)]
      if (typeof name !== 'string') return
      stateful.operator('other', stateful.exchanges[0]!, { states })
      expect(codes(stateful)).toEqual(['MR_NAME_INVALID'])
    },
  )

  test.each(['a', '0', 'A.b_c-d', 'a'.repeat(100), 'console', 'com', 'nul-1'])(
    'accepts the name %j (N25)',
    (name) => {
      const graph = valid()
      graph.sink(name, [{ nodeId: 0, tag: undefined }])
      expect(codes(graph, { job: name })).toEqual([])
    },
  )

  test('refuses readFirst for a source that never ends', () => {
    const graph = valid()
    const source = { kind: 'kafka', boundedness: 'unbounded' } as never
    graph.source('endless', { source, readFirst: true })
    expect(codes(graph)).toEqual(['MR_GRAPH_INVALID'])
    expect(messages(graph)).toBe(
      'source "endless" has readFirst, but is unbounded; sources without it would wait for its end, which never comes; leave readFirst out, or read a bounded source.',
    )
  })

  test('refuses to align a source that is read first with one that waits for it (semantics 2.6)', () => {
    const aligned = (group: string, readFirst: boolean) => {
      const watermarks = { alignment: { group, maxDriftMs: 10, updateIntervalMs: 10 } } as never
      return { watermarks, readFirst }
    }
    const graph = valid()
    graph.source('rules', aligned('a', true))
    graph.source('rates', aligned('a', true))
    graph.source('main', aligned('b', false))
    expect(codes(graph)).toEqual([])
    graph.source('other', aligned('a', false))
    expect(codes(graph)).toEqual(['MR_GRAPH_INVALID', 'MR_GRAPH_INVALID'])
    expect(messages(graph)).toContain(
      'source "rules", which has readFirst, and source "other", which has not, are aligned in one group "a"; they are not read at the same time, so that each would wait for the other; give them groups of their own, or leave the alignment of one out.',
    )
  })

  test('a graph without source or sink is an error', () => {
    expect(codes(new GraphFixture())).toEqual(['MR_GRAPH_INVALID', 'MR_GRAPH_INVALID'])
    const dangling = new GraphFixture()
    dangling.source('in')
    expect(messages(dangling)).toBe(
      'the graph has no sink; nothing would come out of it; end a stream with sinkTo(…).',
    )
  })

  test.each([0, -1, 1.5, 129, Number.NaN, '2'])('refuses the parallelism %j', (parallelism) => {
    const graph = valid()
    graph.sink('other', [{ nodeId: 0, tag: undefined }], { parallelism: parallelism as number })
    expect(codes(graph)).toEqual(['MR_OPTION_INVALID'])
    expect(messages(graph)).toContain(`the parallelism of sink "other" is ${parallelism}`)
    expect(codes(valid(), { parallelism: parallelism as number })).toEqual(['MR_OPTION_INVALID'])
  })

  test.each([0, 32_769, 1.5])('refuses the maximum parallelism %j', (maxParallelism) => {
    expect(codes(valid(), { maxParallelism })).toEqual(['MR_OPTION_INVALID'])
  })

  test('refuses two states that differ in case only, and versions that cannot be stored (N25)', () => {
    const graph = valid()
    const states = [
      state('total'),
      state('Total'),
      state('a', 0),
      state('b', 1.5),
      state('c', 65_536),
    ]
    graph.operator('other', graph.exchanges[0]!, { states })
    expect(codes(graph)).toEqual([
      'MR_NAME_INVALID',
      'MR_OPTION_INVALID',
      'MR_OPTION_INVALID',
      'MR_OPTION_INVALID',
    ])
  })

  test('refuses a time to live that is none, with the others (semantics 2.17)', () => {
    const graph = valid()
    const ttls: unknown[] = ['7d', '7w', 0, { duration: '1h', update: 'never' }]
    const states = ttls.map((ttl, index) => ({
      ...valueState<number>({ ttl } as StateOptions),
      name: `s${index}`,
    }))
    graph.operator('other', graph.exchanges[0]!, { states })
    expect(codes(graph)).toEqual(['MR_DURATION_INVALID', 'MR_OPTION_INVALID', 'MR_OPTION_INVALID'])
    expect(messages(graph)).toContain('the ttl of state "s1" of map "other" is "7w" (string)')
  })

  test('refuses upcasts that are none, or leave a version out, with the others (R5)', () => {
    const graph = valid()
    const upcast = () => 1
    const given: [number, unknown][] = [
      [3, { 1: upcast, 2: upcast }],
      [4, { 2: upcast, 3: upcast }],
      [2, {}],
      [2, undefined],
      [2, [upcast]],
      [2, 'old'],
      [2, { 2: upcast }],
      [2, { 0: upcast }],
      [2, { first: upcast }],
      [2, { 1: 'n + 1' }],
      [1, { 1: upcast }],
      [4, { 1: upcast, 3: upcast }],
      [4, { 1: upcast, 2: upcast }],
    ]
    const states = given.map(([version, upcasts], index) => ({
      ...valueState<number>({ version, upcasts } as StateOptions),
      name: `s${index}`,
    }))
    graph.operator('other', graph.exchanges[0]!, { states })
    expect(codes(graph)).toEqual(Array.from({ length: 9 }, () => 'MR_OPTION_INVALID'))
    const text = messages(graph)
    expect(text).toContain('state "s4" of map "other" has an array for upcasts; ')
    expect(text).toContain('state "s6" of map "other" has an upcast from version 2; ')
    expect(text).toContain('upcasts are from 1 to 1.')
    expect(text).toContain('has an upcast from version 1 that is no function; ')
    expect(text).toContain(
      'state "s11" of map "other" has an upcast from version 1, but none from 2; ',
    )
    expect(text).toContain(
      'state "s12" of map "other" has an upcast from version 1, but none from 3; ',
    )
  })

  test('refuses reducing and aggregating state without functions, or with such as would not be opened', () => {
    const graph = valid()
    const aggregate = { create: () => 0, add: (n: number) => n, result: (n: number) => n }
    const states = [
      { ...reducingState((a: number) => a), name: 'good' },
      { ...aggregatingState(aggregate), name: 'fine' },
      { ...reducingState(undefined as never), name: 'a' },
      { ...aggregatingState({ create: () => 0 } as never), name: 'b' },
      { ...aggregatingState({ ...aggregate, open() {} } as typeof aggregate), name: 'c' },
    ]
    graph.operator('other', graph.exchanges[0]!, { states })
    expect(codes(graph)).toEqual(['MR_GRAPH_INVALID', 'MR_GRAPH_INVALID', 'MR_GRAPH_INVALID'])
    expect(messages(graph)).toMatch(/"a" of map "other" has undefined.*"b".* has no add, result/s)
    expect(messages(graph)).toContain('"c" of map "other" aggregates with a function that has open')
  })

  test('refuses what is no declaration of state', () => {
    const graph = valid()
    graph.operator('other', graph.exchanges[0]!, { states: [{ name: 'total' } as never] })
    expect(codes(graph)).toEqual(['MR_GRAPH_INVALID'])
  })

  test('refuses keyed state and timers without a key', () => {
    const graph = valid()
    graph.operator('a', [{ nodeId: 0, tag: undefined }], { states: [state('total')] })
    graph.operator('b', [{ nodeId: 0, tag: undefined }], { hasTimers: true })
    expect(codes(graph)).toEqual(['MR_GRAPH_INVALID', 'MR_GRAPH_INVALID'])
  })

  test('fails with one error that tells all problems, in its message and as data', () => {
    const graph = new GraphFixture()
    graph.source('a b', { parallelism: 0 })
    graph.source('twice')
    graph.source('twice')
    let thrown: unknown
    try {
      validateGraph(graph, OPTIONS)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(StreamError)
    const { code, message, fields } = thrown as StreamError
    expect(code).toBe('MR_OPTION_INVALID')
    expect(message).toMatch(
      /^Job "orders": 4 problems: \(1\) .*parallelism.* \(2\) .*sink.* \(3\) .*"a b".* \(4\) .*"twice"/,
    )
    expect(message).not.toContain('\n')
    expect(
      (fields['problems'] as readonly { code: string }[]).map((problem) => problem.code),
    ).toEqual(['MR_OPTION_INVALID', 'MR_GRAPH_INVALID', 'MR_NAME_INVALID', 'MR_UID_DUPLICATE'])
  })
})
