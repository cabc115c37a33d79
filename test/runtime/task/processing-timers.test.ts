import { beforeEach, describe, expect, it } from 'vitest'
import { ProcessingTimers } from '../../../runtime/task/processing-timers.ts'
import { FakeTimers, operatorNode, setOperator } from './fakes.ts'

describe('ProcessingTimers', () => {
  let first: FakeTimers
  let second: FakeTimers
  let fired: string[]
  let ended: number
  let timers: ProcessingTimers

  beforeEach(() => {
    first = new FakeTimers()
    second = new FakeTimers()
    fired = []
    ended = 0
    const nodes = [
      operatorNode('a', { timers: first }),
      operatorNode('plain'),
      operatorNode('b', { timers: second }),
    ]
    for (const node of nodes) {
      setOperator(node, {
        onProcessingTime: (timestamp) => fired.push(`${node.name} ${timestamp}`),
      })
    }
    timers = new ProcessingTimers({
      nodes,
      endCallback: () => ended++,
      nameKey: (error) => error as Error,
    })
  })

  it('fires a timer for T once the clock is past T: no record can come at T after it', () => {
    first.register('processing', 100)
    expect(timers.fire(100, () => true)).toBe(false)
    expect(timers.fire(101, () => true)).toBe(true)
    expect(fired).toEqual(['a 100'])
    expect(ended).toBe(1)
  })

  it('knows the earliest over all operators', () => {
    expect(timers.next).toBe(Infinity)
    first.register('processing', 100)
    second.register('processing', 50)
    first.register('event', 1)
    expect(timers.next).toBe(50)
  })

  it('fires in the order of time within an operator, and asks before each timer', () => {
    for (const timestamp of [3, 1, 2]) first.register('processing', timestamp)
    second.register('processing', 1)
    let left = 3
    expect(timers.fire(10, () => left-- > 0)).toBe(true)
    expect(fired).toEqual(['a 1', 'a 2', 'a 3'])
    expect(timers.fire(10, () => true)).toBe(true)
    expect(fired).toEqual(['a 1', 'a 2', 'a 3', 'b 1'])
  })

  it('fires what a callback registers in the past', () => {
    first.register('processing', 1)
    const nodes = [operatorNode('a', { timers: first })]
    setOperator(nodes[0]!, {
      onProcessingTime: (timestamp) => {
        fired.push(String(timestamp))
        if (timestamp < 3) first.register('processing', timestamp + 1)
      },
    })
    const own = new ProcessingTimers({
      nodes,
      endCallback: () => {},
      nameKey: (error) => error as Error,
    })
    own.fire(10, () => true)
    expect(fired).toEqual(['1', '2', '3'])
  })
})
