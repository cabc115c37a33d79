import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildExecutionGraph } from '../../../runtime/graph/execution-graph.ts'
import { buildJobGraph } from '../../../runtime/graph/job-graph.ts'
import type { JobGraph } from '../../../runtime/graph/job-graph-types.ts'
import type { StreamGraph } from '../../../runtime/graph/stream-graph.ts'
import { GraphFixture, inputsOf, parallelismOf, randomGraphs, side } from './graph-fixtures.ts'

function build(graph: StreamGraph, parallelism = 2): JobGraph {
  return buildJobGraph(graph, { parallelism, maxParallelism: 128 })
}

/** Vertices as `name: chain` with parents, edges as `from.node -partitioner-> to`. */
function show(graph: JobGraph): string[] {
  const vertices = graph.vertices.map((vertex) => {
    const chain = vertex.chain.map(({ node, parent, parentTag }) => {
      if (parent === -1) return node.name
      const tag = parentTag === undefined ? '' : `/${parentTag}`
      return `${vertex.chain[parent]!.node.name}${tag} > ${node.name}`
    })
    return `${vertex.name} ×${vertex.parallelism}: ${chain.join(', ')}`
  })
  const edges = graph.edges.map((edge) => {
    const from = graph.vertices[edge.fromVertex]!.chain[edge.fromChainNode]!.node.name
    const tag = edge.fromTag === undefined ? '' : `/${edge.fromTag}`
    return `${from}${tag} -${edge.partitioner}-> ${graph.vertices[edge.toVertex]!.name}`
  })
  return [...vertices, ...edges]
}

describe('buildJobGraph', () => {
  test('chains what reads one input of the same parallelism', () => {
    const graph = new GraphFixture()
    const mapped = graph.operator('map', [graph.source('in')])
    graph.sink('out', [mapped])
    expect(show(build(graph))).toEqual(['in ×2: in, in > map, map > out'])
  })

  test('chains several readers of one stream, and readers of side outputs', () => {
    const graph = new GraphFixture()
    const source = graph.source('in')
    graph.sink('a', [source])
    graph.sink('b', [source])
    graph.sink('bad', [side(source, 'bad')])
    expect(show(build(graph))).toEqual(['in ×2: in, in > a, in > b, in/bad > bad'])
  })

  test('puts all consumers of one exchange into one vertex, operators and sinks, with what is chained behind', () => {
    const graph = new GraphFixture()
    const keyed = graph.keyBy(graph.source('in'))
    const first = graph.operator('first', keyed)
    graph.sink('out', [first])
    graph.operator('second', keyed)
    graph.sink('by-key', keyed)
    expect(show(build(graph))).toEqual([
      'in ×2: in',
      'first ×2: first, first > out, second, by-key',
      'in -hash-> first',
    ])
  })

  test('separates consumers of one exchange by their parallelism', () => {
    const graph = new GraphFixture()
    const keyed = graph.keyBy(graph.source('in'))
    graph.operator('a', keyed)
    graph.operator('b', keyed, { parallelism: 1 })
    graph.operator('c', keyed, { parallelism: 2 })
    expect(show(build(graph))).toEqual([
      'in ×2: in',
      'a ×2: a, c',
      'b ×1: b',
      'in -hash-> a',
      'in -hash-> b',
    ])
  })

  test('a keyBy of a union reads each input, side outputs too', () => {
    const graph = new GraphFixture()
    const source = graph.source('in')
    const other = graph.source('other')
    graph.operator('keyed', graph.keyBy(source, side(source, 'more'), other))
    expect(show(build(graph)).slice(-3)).toEqual([
      'in -hash-> keyed',
      'in/more -hash-> keyed',
      'other -hash-> keyed',
    ])
  })

  test('goes round robin where the parallelism changes, in both directions', () => {
    const graph = new GraphFixture()
    const source = graph.source('in', { parallelism: 1 })
    const mapped = graph.operator('map', [source])
    graph.sink('out', [mapped], { parallelism: 1 })
    expect(show(build(graph))).toEqual([
      'in ×1: in',
      'map ×2: map',
      'out ×1: out',
      'in -rebalance-> map',
      'map -rebalance-> out',
    ])
  })

  test('joins the outputs of one vertex in a sink by forward edges within the slot (R6)', () => {
    const graph = new GraphFixture()
    const keyed = graph.keyBy(graph.source('in'))
    const rules = ['a', 'b', 'c', 'd'].map((uid) => graph.operator(uid, keyed))
    graph.sink('alerts', rules)
    const jobGraph = build(graph)
    expect(show(jobGraph)).toEqual([
      'in ×2: in',
      'a ×2: a, b, c, d',
      'alerts ×2: alerts',
      'in -hash-> a',
      'a -forward-> alerts',
      'b -forward-> alerts',
      'c -forward-> alerts',
      'd -forward-> alerts',
    ])
    const alerts = buildExecutionGraph(jobGraph).inputs[2]!
    for (const [slot, channels] of alerts.entries()) {
      expect(channels.map(({ fromSlot, toSlot }) => [fromSlot, toSlot])).toEqual(
        Array.from({ length: 4 }, () => [slot, slot]),
      )
    }
  })

  test('a union reads each input by itself: forward where the parallelism is the same, also twice the same one', () => {
    const graph = new GraphFixture()
    const single = graph.source('single', { parallelism: 1 })
    const source = graph.source('in')
    graph.sink('out', [source, single, source, side(source, 'more')])
    expect(show(build(graph)).slice(-4)).toEqual([
      'in -forward-> out',
      'single -rebalance-> out',
      'in -forward-> out',
      'in/more -forward-> out',
    ])
  })

  test('what follows a union is chained to its first reader', () => {
    const graph = new GraphFixture()
    const joined = graph.operator('map', [graph.source('a'), graph.source('b')])
    graph.sink('out', [joined])
    expect(show(build(graph))[2]).toBe('map ×2: map, map > out')
  })
})

describe('buildJobGraph of any graph', () => {
  const parallelisms = fc.integer({ min: 1, max: 4 })
  const forAll = (check: (graph: StreamGraph, jobGraph: JobGraph, parallelism: number) => void) => {
    fc.assert(
      fc.property(randomGraphs, parallelisms, (graph, parallelism) => {
        check(graph, build(graph, parallelism), parallelism)
      }),
      { numRuns: 300 },
    )
  }

  test('puts every node into exactly one vertex, of its own parallelism', () => {
    forAll((graph, jobGraph, parallelism) => {
      const placed = jobGraph.vertices.flatMap((vertex) =>
        vertex.chain.map(({ node }) => ({ id: node.id, parallelism: vertex.parallelism })),
      )
      expect(placed.sort((a, b) => a.id - b.id)).toEqual(
        graph.nodes.map((node) => ({ id: node.id, parallelism: parallelismOf(node, parallelism) })),
      )
    })
  })

  test('orders vertices and chains topologically, so that what is read comes first', () => {
    forAll((_graph, { vertices, edges }) => {
      for (const edge of edges) expect(edge.fromVertex).toBeLessThan(edge.toVertex)
      for (const { chain } of vertices) {
        for (const [index, { parent }] of chain.entries()) expect(parent).toBeLessThan(index)
      }
    })
  })

  test('covers every input of every node exactly once, by an edge or a link of the chain', () => {
    forAll((graph, { vertices, edges }) => {
      for (const vertex of vertices) {
        const heads = vertex.chain.filter((node) => node.parent === -1)
        const read = vertex.inputEdges.map((id) => {
          const { fromVertex, fromChainNode, fromTag, toVertex } = edges[id]!
          expect(toVertex).toBe(vertex.index)
          const from = vertices[fromVertex]!
          expect(from.outputEdges).toContain(id)
          return { nodeId: from.chain[fromChainNode]!.node.id, tag: fromTag }
        })
        for (const { node } of heads) expect(read).toEqual(inputsOf(node))
        for (const { node, parent, parentTag } of vertex.chain) {
          if (parent === -1) continue
          expect(inputsOf(node)).toEqual([
            { nodeId: vertex.chain[parent]!.node.id, tag: parentTag },
          ])
        }
      }
      const counted = vertices.flatMap((vertex) => [...vertex.inputEdges])
      expect(counted.sort((a, b) => a - b)).toEqual(edges.map((edge) => edge.id))
      expect(graph.nodes.length).toBe(vertices.flatMap((vertex) => vertex.chain).length)
    })
  })

  test('gives a vertex either one source, one head with plain inputs, or the heads of one exchange', () => {
    forAll((_graph, { vertices, edges }) => {
      const keyed = new Set<string>()
      for (const vertex of vertices) {
        const heads = vertex.chain.filter(({ parent }) => parent === -1).map(({ node }) => node)
        const partitioners = vertex.inputEdges.map((id) => edges[id]!.partitioner)
        for (const head of heads) {
          expect(head.type === 'source' ? undefined : head.exchange).toBe(vertex.exchange)
        }
        if (vertex.exchange === undefined) {
          expect(heads.length).toBe(1)
          expect(partitioners).not.toContain('hash')
          continue
        }
        const key = `${vertex.exchange.id} ${vertex.parallelism}`
        expect(keyed).not.toContain(key)
        keyed.add(key)
        for (const id of vertex.inputEdges) {
          expect(edges[id]).toMatchObject({ partitioner: 'hash', exchange: vertex.exchange })
        }
      }
    })
  })

  test('uses forward edges exactly between vertices of the same parallelism', () => {
    forAll((_graph, { vertices, edges }) => {
      for (const { partitioner, fromVertex, toVertex } of edges) {
        if (partitioner === 'hash') continue
        const isSame = vertices[fromVertex]!.parallelism === vertices[toVertex]!.parallelism
        expect(partitioner).toBe(isSame ? 'forward' : 'rebalance')
      }
    })
  })

  test('is the same whenever it is built, and names vertices by their first node', () => {
    forAll((graph, jobGraph, parallelism) => {
      expect(build(graph, parallelism)).toEqual(jobGraph)
      for (const { name, chain } of jobGraph.vertices) expect(name).toBe(chain[0]!.node.name)
    })
  })
})
