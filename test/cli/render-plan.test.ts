import { describe, expect, it } from 'vitest'
import { planHeadline, renderPlan } from '../../cli/render-plan.ts'
import { plan } from './fake-host.ts'

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
