import { describe, expect, it } from 'vitest'
import type { PlanOperator } from '../../runtime/graph/job-plan.ts'
import { planHeadline, renderPlan } from '../../cli/render-plan.ts'
import { plan } from './fake-host.ts'

type PlanState = PlanOperator['states'][number]

describe('renderPlan', () => {
  it('draws chains with their operators, uids, parallelism, state and shuffles', () => {
    expect(renderPlan(plan())).toEqual([
      '[1] × 2',
      '    transactions  file source  bounded; path /data/cards.csv',
      '    └─ (map-1)    map',
      '',
      '[2] × 2  ◀══ shuffle by key ══ [1] map-1',
      '    velocity      process      state recent (list); timers',
      '    small         process      state small (value, version 3), seen (map)',
      '',
      '[3] × 1  ◀══ shuffle in turn ══ [2] velocity, small (side output late)',
      '    alerts        file sink    exactly-once; dir /data/alerts',
    ])
  })

  it('says which sources are read first', () => {
    const whole = plan()
    const [first, ...others] = whole.vertices
    const [source, ...chained] = first!.chain
    const chain = [{ ...source!, readFirst: true }, ...chained]
    const drawn = renderPlan({ ...whole, vertices: [{ ...first!, chain }, ...others] })
    expect(drawn[1]).toBe(
      '    transactions  file source  bounded; read first; path /data/cards.csv',
    )
  })

  it('says when state expires (semantics 2.17)', () => {
    const whole = plan()
    const [first, vertex, last] = whole.vertices
    const state = (name: string, ttl: PlanState['ttl'] & object): PlanState => {
      return { name, kind: 'reducing', version: 1, ttl }
    }
    const ttl = {
      durationMs: 5_400_000,
      timeDomain: 'processing',
      update: 'onCreateAndWrite',
      visibility: 'neverReturnExpired',
    } as const
    const other = {
      durationMs: 604_800_000,
      timeDomain: 'event',
      update: 'onReadAndWrite',
      visibility: 'returnExpiredIfNotCleanedUp',
    } as const
    const states = [state('seen', ttl), state('sum', other)]
    const chain = [{ ...vertex!.chain[0]!, states, hasTimers: false }]
    const vertices = [first!, { ...vertex!, chain }, last!]
    expect(renderPlan({ ...whole, vertices }).find((line) => line.includes('velocity '))).toMatch(
      /state seen \(reducing, ttl 1 h 30 min of processing time\), sum \(reducing, ttl 7 d of event time, renewed by reads, expired values returned once\)$/,
    )
  })

  it('draws who calls whom within a chain', () => {
    const whole = plan()
    const operator = (name: string, parent: number, parentTag?: string) => ({
      ...whole.vertices[0]!.chain[1]!,
      name,
      uid: name,
      parent,
      parentTag,
    })
    const chain = [
      operator('a', -1),
      operator('b', 0),
      operator('c', 1),
      operator('d', 0),
      operator('e', 3, 'late'),
    ]
    const vertices = [{ index: 0, name: 'a', parallelism: 3, chain }]
    expect(renderPlan({ ...whole, vertices, edges: [] })).toEqual([
      '[1] × 3',
      '    a                           map',
      '    ├─ b                        map',
      '    │  └─ c                     map',
      '    └─ d                        map',
      '       └─ e ◁ side output late  map',
    ])
  })

  it('tells a direct edge from a shuffle', () => {
    const whole = plan()
    const edges = whole.edges.map((edge) => ({ ...edge, partitioner: 'forward' as const }))
    expect(renderPlan({ ...whole, edges })).toContain('[2] × 2  ◀── direct ── [1] map-1')
    expect(planHeadline({ ...whole, edges })).toContain(', 0 shuffles')
  })

  it('names every operator exactly once', () => {
    const text = renderPlan(plan())
      .filter((line) => line.startsWith('    '))
      .join('\n')
    for (const { name } of plan().vertices.flatMap((vertex) => vertex.chain)) {
      expect(text.split('\n').filter((line) => line.includes(name))).not.toEqual([])
    }
    expect(text.split('\n')).toHaveLength(5)
  })
})

describe('planHeadline', () => {
  it('sums a plan up', () => {
    expect(planHeadline(plan())).toBe(
      'cards: parallelism 2, maximum parallelism 1,024, 5 operators, 3 chains (5 subtasks), 2 shuffles',
    )
  })
})
