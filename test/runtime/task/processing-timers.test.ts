import { beforeEach, describe, expect, it } from 'vitest'
import { ProcessingTimers } from '../../../runtime/task/processing-timers.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { FakeTimers, operatorNode, setOperator } from './fakes.ts'

describe('ProcessingTimers', () => {
  let first: FakeTimers
  let second: FakeTimers
  let fired: string[]
  let ended: number
  let left: number
  let clock: ManualClock
  let timers: ProcessingTimers

  beforeEach(() => {
    first = new FakeTimers()
    second = new FakeTimers()
    fired = []
    ended = 0
    left = Infinity
    clock = new ManualClock()
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
      clock,
      workPerLook: 2,
      mayTakeInput: () => left-- > 0,
      endCallback: () => ended++,
      nameKey: (error) => error as Error,
    })
  })

  it('fires a timer for T once the clock is past T: no record can come at T after it', () => {
    first.register('processing', 100)
    expect(timers.fire(100, Infinity)).toBe(false)
    expect(timers.fire(101, Infinity)).toBe(true)
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

  it('has nothing that is due while that is being read: it is woken then (R23)', () => {
    first.register('processing', 50)
    second.register('processing', 100)
    first.isReading = true
    expect([timers.next, timers.fire(200, Infinity), fired]).toEqual([100, true, ['b 100']])
    first.isReading = false
    expect([timers.next, timers.fire(200, Infinity)]).toEqual([50, true])
    expect(fired).toEqual(['b 100', 'a 50'])
  })

  it('fires in the order of time within an operator, and asks before each timer', () => {
    for (const timestamp of [3, 1, 2]) first.register('processing', timestamp)
    second.register('processing', 1)
    left = 3
    expect(timers.fire(10, Infinity)).toBe(true)
    expect(fired).toEqual(['a 1', 'a 2', 'a 3'])
    left = Infinity
    expect(timers.fire(10, Infinity)).toBe(true)
    expect(fired).toEqual(['a 1', 'a 2', 'a 3', 'b 1'])
  })

  it('looks at the deadline between so many timers, over all operators', () => {
    for (const timestamp of [1, 2, 3]) first.register('processing', timestamp)
    for (const timestamp of [1, 2]) second.register('processing', timestamp)
    const deadline = clock.elapsed()
    expect(timers.fire(10, deadline)).toBe(true)
    expect(fired).toEqual(['a 1', 'a 2'])
    expect(timers.fire(10, deadline)).toBe(true)
    expect(fired).toEqual(['a 1', 'a 2', 'a 3', 'b 1'])
    expect(timers.fire(10, deadline + 1)).toBe(true)
    expect(fired).toEqual(['a 1', 'a 2', 'a 3', 'b 1', 'b 2'])
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
      clock,
      workPerLook: 2,
      mayTakeInput: () => true,
      endCallback: () => {},
      nameKey: (error) => error as Error,
    })
    own.fire(10, Infinity)
    expect(fired).toEqual(['1', '2', '3'])
  })
})
