import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heldVertices } from '../../../runtime/graph/read-first.ts'

interface Vertex {
  readonly kind: 'first' | 'other' | 'operator'
  /** What it reads, as shares of the vertices before it; sources read nothing. */
  readonly reads: readonly number[]
}

const vertex: fc.Arbitrary<Vertex> = fc.record({
  kind: fc.constantFrom('first', 'other', 'operator', 'operator'),
  reads: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 3 }),
})

interface Graph {
  readonly heads: { readonly type: 'source' | 'operator'; readonly readFirst?: boolean }[]
  readonly readings: number[][]
}

const graphs = fc.array(vertex, { minLength: 1, maxLength: 14, size: 'max' }).map((vertices) => {
  const graph: Graph = { heads: [], readings: [] }
  for (const [index, { kind, reads }] of vertices.entries()) {
    // The first one has nothing to read.
    const isOperator = kind === 'operator' && index > 0
    graph.readings.push(isOperator ? reads.map((share) => Math.floor(share * index)) : [])
    if (isOperator) graph.heads.push({ type: 'operator' })
    else graph.heads.push({ type: 'source', ...(kind === 'first' ? { readFirst: true } : {}) })
  }
  return graph
})

/** Whether a path leads to a vertex from a source that is not read first. */
function isReached(at: number, graph: Graph): boolean {
  const reads = graph.readings[at]!
  if (reads.length === 0) return !('readFirst' in graph.heads[at]!)
  return reads.some((before) => isReached(before, graph))
}

describe('heldVertices', () => {
  it('are those that a source without readFirst reaches, in whatever order the edges come', () => {
    fc.assert(
      fc.property(graphs, fc.func(fc.integer()), (graph, rank) => {
        const edges = graph.readings.flatMap((reads, toVertex) =>
          reads.map((fromVertex) => ({ fromVertex, toVertex })),
        )
        edges.sort((a, b) => rank(a.toVertex, a.fromVertex) - rank(b.toVertex, b.fromVertex))
        const isUsed = graph.heads.some((head) => 'readFirst' in head)
        const expected = graph.heads
          .map((_, index) => index)
          .filter((index) => isUsed && isReached(index, graph))
        expect([...heldVertices(graph.heads, edges)]).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('are none where no source has readFirst, and none where all have it', () => {
    const sink = { type: 'sink' } as const
    const edges = [
      { fromVertex: 0, toVertex: 2 },
      { fromVertex: 1, toVertex: 2 },
    ]
    const source = (readFirst: boolean) => ({ type: 'source', readFirst }) as const
    const plain = { type: 'source' } as const
    expect(heldVertices([plain, source(false), sink], edges).size).toBe(0)
    expect(heldVertices([source(true), source(true), sink], edges).size).toBe(0)
    expect([...heldVertices([source(true), source(false), sink], edges)]).toEqual([1, 2])
  })
})
