import { describe, expect, it } from 'vitest'
import { deepFreeze } from '../../../runtime/deep-freeze.ts'
import { NodeOutput, NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { operatorNode, setOperator } from './fakes.ts'

describe('NodeRuntime', () => {
  it('says which node is running, and goes back to its caller (R37)', () => {
    const seen: number[] = []
    const cell = new Int32Array(2)
    const chained = ['outer', 'inner'].map(
      (name, index) => new NodeRuntime(operatorNode(name).node, index + 1, cell),
    )
    setOperator(chained[0]!, {
      processElement: (value, timestamp) => {
        seen.push(cell[0]!)
        chained[1]!.accept(value, timestamp)
        seen.push(cell[0]!)
      },
    })
    setOperator(chained[1]!, { processElement: () => seen.push(cell[0]!) })
    chained[0]!.accept('x', 1)
    expect([seen, cell[0]]).toEqual([[1, 2, 1], 0])
    setOperator(chained[1]!, {
      processElement: () => {
        throw new Error('stuck')
      },
    })
    expect(() => chained[0]!.accept('x', 1)).toThrow('Operator "inner"')
    expect(cell[0]).toBe(2)
  })

  it('counts what comes and what goes, and counters by name', () => {
    const node = operatorNode('node')
    const output = node.outputs.get(undefined)!
    setOperator(node, {
      processElement: (value, timestamp) => {
        output.emit(value, timestamp)
        output.emit(value, timestamp)
      },
    })
    node.accept('x', 1)
    node.count('seen')
    node.count('seen', 4)
    expect([node.recordsIn, node.recordsOut, node.counters]).toEqual([1, 2, { seen: 5 }])
  })
})

describe('NodeOutput', () => {
  it('hands a record to every taker, in the order in which they were attached', () => {
    const taken: string[] = []
    const output = new NodeOutput(undefined)
    for (const name of ['a', 'b', 'c'])
      output.attach({ accept: (value) => taken.push(`${name} ${value}`) })
    output.emit('x', 1)
    output.emit('y', 2)
    expect(taken).toEqual(['a x', 'b x', 'c x', 'a y', 'b y', 'c y'])
    expect(output.count).toBe(2)
    expect(() => output.attach({ accept() {} })).toThrow('in use')
  })

  it('counts what nobody takes', () => {
    const output = new NodeOutput(undefined)
    output.emit('x', 1)
    expect(output.count).toBe(1)
  })

  it('freezes what it hands on when it is told to (R16)', () => {
    const output = new NodeOutput(deepFreeze)
    const record = { inner: { list: [1] } }
    output.emit(record, 1)
    expect(() => record.inner.list.push(2)).toThrow(TypeError)
  })
})

describe('deepFreeze', () => {
  it('freezes objects, arrays, and what Maps and Sets hold', () => {
    const inMap = { n: 1 }
    const key = [1]
    const inSet = { n: 1 }
    const bytes = Uint8Array.of(1)
    deepFreeze({ map: new Map([[key, inMap]]), set: new Set([inSet]), bytes, at: new Date(5) })
    for (const value of [inMap, key, inSet]) expect(Object.isFrozen(value)).toBe(true)
    bytes[0] = 2
  })

  it('leaves what is no object, and what is frozen already', () => {
    for (const value of [undefined, null, 1, 'x', 1n]) deepFreeze(value)
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    deepFreeze(cyclic)
    expect(Object.isFrozen(cyclic)).toBe(true)
  })
})
