import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildPlan, type PlanFacts } from '../../../runtime/graph/build-plan.ts'
import { buildJobGraph } from '../../../runtime/graph/job-graph.ts'
import type { JobPlan } from '../../../runtime/graph/job-plan.ts'
import type { StreamGraph } from '../../../runtime/graph/stream-graph.ts'
import { structuralHash } from '../../../runtime/graph/structural-hash.ts'
import { GraphFixture, randomGraphs, side } from './graph-fixtures.ts'

const FACTS: PlanFacts = {
  job: 'orders',
  parallelism: 2,
  maxParallelism: 128,
  parameters: [{ name: 'path', type: 'string', defaultText: undefined, description: 'Input' }],
  params: { path: 'a.csv' },
  restart: { type: 'none' },
}

function plan(graph: StreamGraph, facts: Partial<PlanFacts> = {}): JobPlan {
  const all = { ...FACTS, ...facts }
  return buildPlan(buildJobGraph(graph, all), all)
}

function orders(changes: { timers?: boolean; version?: number; uid?: string; sink?: number } = {}) {
  const graph = new GraphFixture()
  const source = graph.source('in', {
    source: { kind: 'file', boundedness: 'bounded', identity: { path: 'a.csv' } } as never,
  })
  const counted = graph.operator(changes.uid ?? 'count', graph.keyBy(side(source, 'good')), {
    states: [{ kind: 'value', name: 'total', version: changes.version ?? 1 }],
    hasTimers: changes.timers ?? true,
  })
  const identity = { dir: 'out' }
  const sink = { kind: 'file', guarantee: 'exactly-once', canTakeBack: true, identity } as never
  graph.sink('out', [counted], { sink, parallelism: changes.sink })
  return graph
}

describe('buildPlan', () => {
  test('tells all of a graph as data (R5, N8)', () => {
    const built = plan(orders())
    expect(structuredClone(built)).toEqual(built)
    expect(built).toMatchObject({ ...FACTS })
    expect(built.vertices).toEqual([
      {
        index: 0,
        name: 'in',
        parallelism: 2,
        chain: [
          {
            name: 'in',
            uid: 'in',
            type: 'source',
            operatorKind: 'collection',
            parallelism: 2,
            states: [],
            hasTimers: false,
            boundedness: 'bounded',
            identity: { path: 'a.csv' },
            parent: -1,
            parentTag: undefined,
          },
        ],
      },
      {
        index: 1,
        name: 'count',
        parallelism: 2,
        chain: [
          {
            name: 'count',
            uid: 'count',
            type: 'operator',
            operatorKind: 'map',
            parallelism: 2,
            states: [{ name: 'total', kind: 'value', version: 1 }],
            hasTimers: true,
            parent: -1,
            parentTag: undefined,
          },
          {
            name: 'out',
            uid: 'out',
            type: 'sink',
            operatorKind: 'print',
            parallelism: 2,
            states: [],
            hasTimers: false,
            guarantee: 'exactly-once',
            canTakeBack: true,
            identity: { dir: 'out' },
            parent: 0,
            parentTag: undefined,
          },
        ],
      },
    ])
    expect(built.edges).toEqual([
      {
        id: 0,
        fromVertex: 0,
        fromOperator: 'in',
        fromTag: 'good',
        toVertex: 1,
        toInput: 1,
        partitioner: 'hash',
      },
    ])
    expect(built.structuralHash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('tells which sources keep together in event time (semantics 2.6)', () => {
    const alignment = { group: 'all', maxDriftMs: 10, updateIntervalMs: 1_000 }
    const aligned = new GraphFixture()
    aligned.sink('out', [aligned.source('in', { watermarks: { alignment } as never })])
    expect(plan(aligned).vertices[0]!.chain[0]!.alignment).toEqual(alignment)
    expect(plan(orders()).vertices[0]!.chain[0]).not.toHaveProperty('alignment')
  })

  test('tells which sources are read first', () => {
    const graph = new GraphFixture()
    const sources = [graph.source('rules', { readFirst: true }), graph.source('main')]
    graph.sink('out', sources)
    const built = plan(graph)
    expect(built.vertices[0]!.chain[0]!.readFirst).toBe(true)
    expect(built.vertices[1]!.chain[0]).not.toHaveProperty('readFirst')
    const plain = new GraphFixture()
    plain.sink('out', [plain.source('rules'), plain.source('main')])
    expect(plan(plain).structuralHash).not.toBe(built.structuralHash)
  })

  test('lists broadcast states as such, beside keyed ones (semantics 2.18)', () => {
    const graph = new GraphFixture()
    const source = graph.source('in')
    const second = {
      inputs: [{ ...source, partitioning: { kind: 'broadcast' } as const }],
      exchange: undefined,
    }
    const judged = graph.operator('judged', graph.keyBy(source), {
      second,
      states: [{ kind: 'value', name: 'total', version: 1 }],
      broadcastStates: [{ kind: 'map', name: 'rules', version: 2 }],
      hasOperatorState: true,
    })
    graph.sink('out', [judged])
    const built = plan(graph)
    expect(built.vertices[1]!.chain[0]).toMatchObject({
      states: [
        { name: 'total', kind: 'value', version: 1 },
        { name: 'rules', kind: 'broadcast', version: 2 },
      ],
    })
    expect(built.edges[1]).toMatchObject({ toInput: 2, partitioner: 'broadcast' })
  })

  test('lists lists of subtasks by their kind, with what they are upcast from (semantics 2.9)', () => {
    const graph = new GraphFixture()
    const held = graph.operator('held', [graph.source('in')], {
      operatorStates: [
        { kind: 'operator-list', name: 'held', version: 2, upcasts: { 1: (old) => old } },
        { kind: 'union-list', name: 'all', version: 1 },
      ],
      hasOperatorState: true,
    })
    graph.sink('out', [held])
    expect(plan(graph).vertices[0]!.chain[1]!.states).toEqual([
      { name: 'held', kind: 'operator-list', version: 2, upcastsFrom: 1 },
      { name: 'all', kind: 'union-list', version: 1 },
    ])
  })
})

describe('structuralHash', () => {
  test('is the same for graphs built twice, whatever their functions (R5)', () => {
    expect(plan(orders()).structuralHash).toBe(plan(orders()).structuralHash)
  })

  test.each([
    ['a uid', () => plan(orders({ uid: 'other' }))],
    ['timers', () => plan(orders({ timers: false }))],
    ['the version of a state', () => plan(orders({ version: 2 }))],
    ['the parallelism of an operator', () => plan(orders({ sink: 1 }))],
    ['the parallelism of the job', () => plan(orders(), { parallelism: 3 })],
    ['the maximum parallelism', () => plan(orders(), { maxParallelism: 64 })],
    ['the name of the job', () => plan(orders(), { job: 'other' })],
    ['the value of a parameter', () => plan(orders(), { params: { path: 'b.csv' } })],
    ['the restart strategy', () => plan(orders(), { restart: undefined })],
  ])('differs with %s (R5)', (_what, other) => {
    expect(other().structuralHash).not.toBe(plan(orders()).structuralHash)
  })

  test('differs with the tag that an edge reads', () => {
    const { structuralHash: _hash, ...unhashed } = plan(orders())
    const edges = unhashed.edges.map((edge) => ({ ...edge, fromTag: 'bad' }))
    expect(structuralHash({ ...unhashed, edges })).not.toBe(structuralHash(unhashed))
  })

  test('tells an infinite number of attempts from a missing one', () => {
    const { structuralHash: _hash, ...unhashed } = plan(orders())
    const restart = { type: 'fixed-delay', attempts: Infinity, delayMs: 1 } as const
    const broken = { ...restart, attempts: null as never }
    expect(structuralHash({ ...unhashed, restart })).not.toBe(
      structuralHash({ ...unhashed, restart: broken }),
    )
  })

  test('does not depend on the order in which fields were written', () => {
    fc.assert(
      fc.property(randomGraphs, (graph) => {
        const { structuralHash: hash, ...unhashed } = plan(graph)
        expect(structuralHash(reversed(unhashed) as typeof unhashed)).toBe(hash)
      }),
    )
  })
})

/** A copy whose fields are in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, field]) => [name, reversed(field)]),
  )
}
